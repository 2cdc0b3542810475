// The scenarios of Deployments. `make` is the manifest, `steps` bring it into its state; then
//   says      what `kubectl rollout status` must say there: compared with the portal's cell
//   history   what `kubectl rollout history` must list there: compared with the portal's records; `keeps`: what only these still have
//   undo      `rollout undo` on it is compared with the portal's rollback of a twin in another namespace; `to` a revision, without
//             it the previous one; `is` what kubectl makes of it, `restores` the tag that the portal restores nevertheless
import { gone, observed, patch, recorded, release, released, remade, resized, rolled, run, says, until } from './steps.mjs';

const done = /successfully rolled out/;
const late = /exceeded its progress deadline/;
const held = { pod: { schedulingGates: [{ name: 'example.com/held' }] } };
const hold = patch({ spec: { template: { spec: held.pod } } });
const surge = (maxSurge, maxUnavailable) => ({ strategy: { rollingUpdate: { maxSurge, maxUnavailable } } });
const one = [rolled];
const causes = [rolled, recorded, ...released('2', 'two'), recorded, ...released('3', 'three'), recorded];
const two = [rolled, recorded, ...released('2', 'two'), recorded];

export default [
  // status
  { title: 'fresh and complete', says: done },
  { title: 'fresh, its pods slow', make: { tag: '1-slow' }, says: /0 of 2 updated replicas are available/ },
  { title: 'rolling, new pods slow', steps: [...one, release('2-slow')], says: /1 out of 2 new replicas have been updated/ },
  { title: 'rolled out', steps: [...one, ...released('2')], says: done },
  { title: 'a fresh image that cannot be pulled', make: { tag: '1-nopull' }, says: /0 of 2 updated/ },
  { title: 'rolling to an image that cannot be pulled', steps: [...one, release('2-nopull')], says: /1 out of 2 new replicas/ },
  { title: 'fresh and crashing', make: { tag: '1-crash' }, says: /0 of 2 updated/ },
  { title: 'rolling to an image that crashes', steps: [...one, release('2-crash')], says: /1 out of 2 new replicas/ },
  { title: 'fresh, its deadline ahead', make: { ...held }, says: /0 of 2 updated/ },
  { title: 'fresh, its deadline exceeded', make: { progressDeadlineSeconds: 3, ...held }, says: late },
  { title: 'rolling, its deadline exceeded', make: { progressDeadlineSeconds: 3 }, steps: [...one, hold], says: late },
  { title: 'an image that cannot be pulled, its deadline exceeded', make: { progressDeadlineSeconds: 3 }, steps: [...one, release('2-nopull')], says: late },
  { title: 'recovered after its deadline', make: { progressDeadlineSeconds: 3 }, steps: [...one, release('2-nopull'), says(late), ...released('3')], says: done },
  { title: 'paused at rest', steps: [...one, run('rollout pause @'), observed], says: done },
  { title: 'paused with a change waiting', steps: [...one, run('rollout pause @'), release('2'), observed], says: /0 out of 2 new replicas/ },
  { title: 'paused within a rollout', steps: [...one, release('2-slow'), says(/1 out of 2/), run('rollout pause @'), observed], says: /1 out of 2 new replicas/ },
  { title: 'resumed', steps: [...one, run('rollout pause @'), release('2'), observed, run('rollout resume @'), observed, rolled], says: done },
  { title: 'scaled to 0', steps: [...one, run('scale @ --replicas=0'), resized], says: done },
  { title: 'scaled to 0 within a bad rollout', steps: [...one, release('2-nopull'), says(/1 out of 2/), run('scale @ --replicas=0'), resized], says: done },
  { title: 'scaling up', make: { tag: '1-slow', replicas: 1 }, steps: [...one, run('scale @ --replicas=3')], says: /1 of 3 updated replicas are available/ },
  { title: 'scaled up', steps: [...one, run('scale @ --replicas=4'), observed, rolled], says: done },
  { title: 'scaled down', make: { replicas: 4 }, steps: [...one, run('scale @ --replicas=1'), resized], says: done },
  { title: 'no surge, one unavailable', make: { replicas: 3, ...surge(0, 1) }, steps: [...one, release('2-slow')], says: /1 out of 3 new replicas/ },
  { title: 'a surge of all: the old ones still there', make: surge('100%', 0), steps: [...one, release('2-slow')], says: /2 old replicas are pending termination/ },
  { title: 'half may be unavailable', make: { replicas: 4, ...surge(0, '50%') }, steps: [...one, release('2-slow')], says: /2 out of 4 new replicas/ },
  { title: 'Recreate with slow pods', make: { strategy: { type: 'Recreate' } }, steps: [...one, release('2-slow')], says: /0 of 2 updated replicas/ },
  { title: 'Recreate to an image that cannot be pulled', make: { strategy: { type: 'Recreate' } }, steps: [...one, release('2-nopull')], says: /0 of 2 updated/ },
  { title: 'the second pod is over the quota', at: 'quota', make: { app: { resources: { limits: { cpu: '1' } } } }, says: /1 out of 2 new replicas/ },
  { title: 'every pod is above the limit range', at: 'quota', make: { app: { resources: { limits: { cpu: '4' } } } }, says: /0 out of 2 new replicas/ },
  { title: 'no node has its label', make: { pod: { nodeSelector: { disk: 'none' } } }, says: /0 of 2 updated/ },
  { title: 'rolling to more CPU than any node has', steps: [...one, patch({ spec: { template: { spec: { containers: [{ name: 'app', resources: { requests: { cpu: '99' } } }] } } } })], says: /1 out of 2 new replicas/ },
  { title: 'ready, not yet for minReadySeconds', make: { minReadySeconds: 600, progressDeadlineSeconds: 1200 }, steps: [until('all are ready', o => o.status.readyReplicas === 2)], says: /0 of 2 updated replicas are available/ },
  { title: 'the second container crashes', make: { sidecar: '1' }, steps: [...one, release('2-crash', null, 'sidecar')], says: /1 out of 2 new replicas/ },
  { title: 'only an annotation is edited', steps: [...one, run('annotate @ note=new'), observed], says: done },
  { title: 'asked for the revision that runs', revision: 2, steps: [...one, ...released('2')], says: done },
  { title: 'asked for an older revision', revision: 1, steps: [...one, ...released('2')], says: /different from the running revision/ },
  { title: 'deleted', steps: [...one, gone], says: /not found/ },
  { title: 'deleted and made anew', steps: [...one, ...released('2'), remade, observed, rolled], says: done },

  // history
  { title: 'history: three releases with their causes', steps: causes, history: '1 one, 2 two, 3 three' },
  { title: 'history: no cause at all', make: { annotations: null }, steps: [...one, ...released('2')], history: '1 –, 2 –' },
  { title: 'history: a cause annotated after the release', steps: [...two, run('annotate @ kubernetes.io/change-cause=later --overwrite'), observed], history: '1 one, 2 later' },
  { title: 'history: trimmed to one old revision', make: { revisionHistoryLimit: 1 }, steps: causes, history: '2 two, 3 three', keeps: [1] },
  { title: 'history: set back to the first image by hand', steps: [...two, ...released('1', 'again')], history: '2 two, 3 again', keeps: [1] },
  { title: 'history: another image while the last one rolls out', steps: [...one, release('2-slow'), says(/1 out of 2/), release('3'), observed, rolled], history: '1 one, 2 one, 3 one' },
  { title: 'history: two containers, the second is the one', container: 'sidecar', make: { sidecar: '1' }, steps: [...one, release('7', 'seven', 'sidecar'), observed, rolled], history: '1 one, 2 seven' },
  { title: 'history: restarted', steps: [...one, run('rollout restart @'), observed, rolled], history: '1 one, 2 one' },
  { title: 'history: scaling and annotations make no revision', steps: [...two, run('scale @ --replicas=3'), run('annotate @ note=new'), observed, rolled], history: '1 one, 2 two' },
  { title: 'history: what waits in a pause is no revision', steps: [...one, run('rollout pause @'), release('2', 'two'), observed], history: '1 one' },
  { title: 'history: a rollout that cannot succeed', steps: [...one, release('2-nopull', 'two')], history: '1 one, 2 two' },
  { title: 'history: deleted and made anew', steps: [...two, remade, observed, rolled], history: '1 one' },

  // undo
  { title: 'undo to the previous', steps: two, undo: { is: 'rolled back' }, keeps: [1] },
  { title: 'undo to an older one', steps: causes, undo: { to: 1, is: 'rolled back' }, keeps: [1] },
  { title: 'undo of an image that cannot be pulled', steps: [...one, recorded, release('2-nopull', 'two'), says(/1 out of 2/), recorded], undo: { is: 'rolled back' }, keeps: [1] },
  { title: 'undo within a rollout', steps: [...one, recorded, release('2-slow', 'two'), says(/1 out of 2/), recorded], undo: { is: 'rolled back' }, keeps: [1] },
  { title: 'undo of image, variables and resources in two containers', make: { sidecar: '1' }, steps: [...one, recorded, patch({ spec: { template: {
    metadata: { annotations: { note: 'new' }, labels: { tier: 'web' } },
    spec: { containers: [{ name: 'sidecar', image: 'registry.devmatrix.example/table/sidecar:2', env: [{ name: 'MODE', value: 'new' }] }, { name: 'app', resources: { requests: { memory: '64Mi' } } }] } } } }), observed, rolled, recorded],
    undo: { is: 'rolled back' }, keeps: [1] },
  { title: 'undo while scaled to 0', steps: [...two, run('scale @ --replicas=0'), observed, rolled], undo: { is: 'rolled back' }, keeps: [1] },
  { title: 'undo with Recreate', make: { strategy: { type: 'Recreate' } }, steps: two, undo: { is: 'rolled back' }, keeps: [1] },
  { title: 'undo twice', steps: [...two, run('rollout undo @'), observed, rolled, recorded], undo: { to: 2, is: 'rolled back' }, keeps: [1, 2] },
  { title: 'undo with an annotation that only the Deployment has', steps: [...two, run('annotate @ note=kept'), observed, rolled], undo: { is: 'rolled back' }, keeps: [1] },
  { title: 'undo to the revision that runs', steps: two, undo: { to: 2, is: 'skipped' } },
  { title: 'undo to a revision that was never there', steps: two, undo: { to: 99, is: 'unknown revision' } },
  { title: 'undo while paused', steps: [...two, run('rollout pause @'), observed], undo: { to: 1, is: 'paused' } },
  { title: 'undo to a number that was taken up again', steps: [...two, run('rollout undo @'), observed, rolled, recorded, ...released('3', 'three'), recorded], undo: { to: 1, is: 'unknown revision', restores: '1' } },
  { title: 'undo to a number whose template runs again', steps: [...two, run('rollout undo @'), observed, rolled, recorded], undo: { to: 1, is: 'unknown revision' } },
  { title: 'undo to a revision that was just trimmed', make: { revisionHistoryLimit: 1 }, steps: causes, undo: { to: 1, is: 'unknown revision', restores: '1' } },
];
