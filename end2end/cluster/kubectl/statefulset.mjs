// The scenarios of StatefulSets; the fields are those of deployment.mjs.
import { gone, observed, patch, recorded, release, released, remade, resized, rolled, run, says, until } from './steps.mjs';

const done = /partitioned roll out complete/;
const parallel = { podManagementPolicy: 'Parallel' };
const onDelete = { updateStrategy: { type: 'OnDelete' } };
const partition = n => ({ updateStrategy: { rollingUpdate: { partition: n } } });
const allReady = until('all are ready', o => o.status.observedGeneration === o.metadata.generation && o.status.readyReplicas === o.spec.replicas);
const two = [rolled, recorded, ...released('2', 'two'), recorded];
const three = [...two, ...released('3', 'three'), recorded];

export default [
  { title: 'fresh and complete', says: done },
  { title: 'fresh, its pods slow, one after the other', make: { tag: '1-slow' }, says: /Waiting for 2 pods to be ready/ },
  { title: 'fresh and Parallel, its pods slow', make: { tag: '1-slow', replicas: 3, ...parallel }, says: /Waiting for 3 pods to be ready/ },
  { title: 'rolling in order, new pods slow', steps: [rolled, release('2-slow')], says: /Waiting for 1 pods to be ready/ },
  { title: 'rolled out', steps: [rolled, ...released('2')], says: done },
  { title: 'a partition reached', make: { replicas: 3, ...partition(1) }, steps: [rolled, ...released('2')], says: /roll out complete: 2 new pods/ },
  { title: 'a partition above all pods', make: partition(5), steps: [rolled, ...released('2')], says: /roll out complete: 0 new pods/ },
  { title: 'rolling above a partition, new pods slow', make: { replicas: 3, ...partition(1) }, steps: [rolled, release('2-slow')], says: /Waiting for 1 pods/ },
  { title: 'OnDelete, fresh', make: onDelete, steps: [allReady], says: /only available for RollingUpdate/ },
  { title: 'OnDelete with a change waiting', make: onDelete, steps: [allReady, release('2'), observed], says: /only available for RollingUpdate/ },
  { title: 'a fresh image that cannot be pulled', make: { tag: '1-nopull' }, says: /Waiting for 2 pods/ },
  { title: 'rolling to an image that cannot be pulled', steps: [rolled, release('2-nopull')], says: /Waiting for 1 pods/ },
  { title: 'rolling to an image that crashes', steps: [rolled, release('2-crash')], says: /Waiting for 1 pods/ },
  { title: 'no node has its label', make: { pod: { nodeSelector: { disk: 'none' } } }, says: /Waiting for 2 pods/ },
  { title: 'every pod is above the limit range', at: 'quota', make: { app: { resources: { limits: { cpu: '4' } } } }, says: /Waiting for 2 pods/ },
  { title: 'scaled to 0', steps: [rolled, run('scale @ --replicas=0'), resized], says: done },
  { title: 'scaling up, new pods slow', make: { tag: '1-slow', replicas: 1 }, steps: [rolled, run('scale @ --replicas=3')], says: /Waiting for 2 pods/ },
  { title: 'scaled down', make: { replicas: 3 }, steps: [rolled, run('scale @ --replicas=1'), resized], says: done },
  { title: 'ready, not yet for minReadySeconds', make: { minReadySeconds: 600, ...parallel }, steps: [allReady], says: done },
  { title: 'deleted', steps: [rolled, gone], says: /not found/ },

  { title: 'history: three releases with their causes', steps: three, history: '1 one, 2 two, 3 three' },
  { title: 'history: trimmed to one old revision', make: { revisionHistoryLimit: 1 }, steps: three, history: '2 two, 3 three', keeps: [1] },
  { title: 'history: set back to the first image by hand', steps: [...two, ...released('1', 'again')], history: '2 two, 3 one', keeps: [1] },
  { title: 'history: restarted', steps: [rolled, run('rollout restart @'), observed, rolled], history: '1 one, 2 one' },
  { title: 'history: a cause annotated after the release', steps: [...two, run('annotate @ kubernetes.io/change-cause=later --overwrite')], history: '1 one, 2 two' },
  { title: 'history: deleted and made anew', steps: [...two, remade, observed, rolled], history: '1 one' },

  { title: 'undo to the previous', steps: two, undo: { is: 'rolled back' }, keeps: [1] },
  { title: 'undo to an older one', steps: three, undo: { to: 1, is: 'rolled back' }, keeps: [1] },
  { title: 'undo without any annotation', make: { annotations: null }, steps: [rolled, recorded, ...released('2'), recorded], undo: { is: 'rolled back' }, keeps: [1] },
  { title: 'undo of variables that only the newer has', steps: [rolled, recorded, patch({ spec: { template: { spec: { containers: [{ name: 'app', env: [{ name: 'MODE', value: 'new' }] }] } } } }), observed, rolled, recorded],
    undo: { is: 'rolled back' }, keeps: [1] },
  { title: 'undo with a partition', make: { replicas: 3, ...partition(1) }, steps: two, undo: { is: 'rolled back' }, keeps: [1] },
  { title: 'undo while stuck on an image that cannot be pulled', steps: [rolled, recorded, release('2-nopull', 'two'), says(/Waiting for 1 pods/), recorded],
    undo: { is: 'rolled back', ends: 'observing', then: /Waiting for 1 pods/ }, keeps: [1] },
  { title: 'undo to the revision that runs', steps: two, undo: { to: 2, is: 'skipped' } },
  { title: 'undo to a revision that was never there', steps: two, undo: { to: 99, is: 'unknown revision' } },
];
