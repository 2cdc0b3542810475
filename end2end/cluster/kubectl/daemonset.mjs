// The scenarios of DaemonSets, on four nodes; the fields are those of deployment.mjs.
import { gone, observed, patch, recorded, release, released, remade, rolled, run, says, until } from './steps.mjs';

const done = /successfully rolled out/;
const onDelete = { updateStrategy: { type: 'OnDelete' } };
const rollingUpdate = fields => ({ updateStrategy: { rollingUpdate: fields } });
const allReady = until('all are ready', o => o.status.observedGeneration === o.metadata.generation && o.status.numberReady === 4);
const two = [rolled, recorded, ...released('2', 'two'), recorded];
const three = [...two, ...released('3', 'three'), recorded];

export default [
  { title: 'fresh and complete', says: done },
  { title: 'fresh, its pods slow', make: { tag: '1-slow' }, says: /0 of 4 updated pods are available/ },
  { title: 'rolling one by one, new pods slow', steps: [rolled, release('2-slow')], says: /1 out of 4 new pods have been updated/ },
  { title: 'rolling two by two, new pods slow', make: rollingUpdate({ maxUnavailable: 2 }), steps: [rolled, release('2-slow')], says: /2 out of 4 new pods have been updated/ },
  { title: 'all at once, new pods slow', make: rollingUpdate({ maxUnavailable: '100%' }), steps: [rolled, release('2-slow')], says: /0 of 4 updated pods are available/ },
  { title: 'a surge of one, new pods slow', make: rollingUpdate({ maxUnavailable: 0, maxSurge: 1 }), steps: [rolled, release('2-slow')], says: /1 out of 4 new pods/ },
  { title: 'rolled out', steps: [rolled, ...released('2')], says: done },
  { title: 'OnDelete, fresh', make: onDelete, steps: [allReady], says: /only available for RollingUpdate/ },
  { title: 'OnDelete with a change waiting', make: onDelete, steps: [allReady, release('2'), observed], says: /only available for RollingUpdate/ },
  { title: 'a fresh image that cannot be pulled', make: { tag: '1-nopull' }, says: /0 of 4 updated pods/ },
  { title: 'rolling to an image that cannot be pulled', steps: [rolled, release('2-nopull')], says: /1 out of 4 new pods/ },
  { title: 'rolling to an image that crashes', steps: [rolled, release('2-crash')], says: /1 out of 4 new pods/ },
  { title: 'no node has its label', make: { pod: { nodeSelector: { disk: 'none' } } }, steps: [observed], says: done },
  { title: 'one node has its label', make: { pod: { nodeSelector: { 'kubernetes.io/hostname': 'node-2' } } }, says: done },
  { title: 'every pod is above the limit range', at: 'quota', make: { app: { resources: { limits: { cpu: '4' } } } }, says: /0 out of 4 new pods/ },
  { title: 'ready, not yet for minReadySeconds', make: { minReadySeconds: 600 }, steps: [allReady], says: /0 of 4 updated pods are available/ },
  { title: 'deleted', steps: [rolled, gone], says: /not found/ },

  { title: 'history: three releases with their causes', steps: three, history: '1 one, 2 two, 3 three' },
  { title: 'history: trimmed to one old revision', make: { revisionHistoryLimit: 1 }, steps: three, history: '2 two, 3 three', keeps: [1] },
  { title: 'history: set back to the first image by hand', steps: [...two, ...released('1', 'again')], history: '2 two, 3 one', keeps: [1] },
  { title: 'history: deleted and made anew', steps: [...two, remade, observed, rolled], history: '1 one' },

  { title: 'undo to the previous', steps: two, undo: { is: 'rolled back' }, keeps: [1] },
  { title: 'undo to an older one', steps: three, undo: { to: 1, is: 'rolled back' }, keeps: [1] },
  { title: 'undo of a node selector', steps: [rolled, recorded, patch({ spec: { template: { spec: { nodeSelector: { 'kubernetes.io/hostname': 'node-1' } } } } }), observed, rolled, recorded], undo: { is: 'rolled back' }, keeps: [1] },
  { title: 'undo of an image that cannot be pulled', steps: [rolled, recorded, release('2-nopull', 'two'), says(/1 out of 4/), recorded], undo: { is: 'rolled back' }, keeps: [1] },
  { title: 'undo with OnDelete', make: onDelete, steps: [allReady, recorded, release('2', 'two'), observed, recorded], undo: { is: 'rolled back', then: /only available/ }, keeps: [1] },
  { title: 'undo to the revision that runs', steps: two, undo: { to: 2, is: 'skipped' } },
  { title: 'undo to a revision that was never there', steps: two, undo: { to: 99, is: 'unknown revision' } },
  { title: 'undo with one revision only', steps: [rolled, recorded], undo: { to: 2, is: 'unknown revision' } },
];
