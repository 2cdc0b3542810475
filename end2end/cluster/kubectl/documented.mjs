// Where the portal deliberately says or does something else than kubectl, and why. An entry holds for each scenario that it names
// (or that `where` picks), and must be seen in each of them: one that no longer occurs is a failure, as is a difference without one.

const because = {
  pods: 'A pod that the kubelet backs off from, or that no node can take, does not heal by waiting: the portal says so at once and names the pod’s reason. kubectl waits until the deadline, and without end for StatefulSets and DaemonSets.',
  quota: 'The API server refuses the pods, and the controller says so in the ReplicaFailure condition: the portal shows its words. kubectl does not look at it before the deadline.',
  paused: 'Nothing that is changed now rolls out, whatever the pods do: the portal says paused. kubectl goes by the numbers alone.',
  onDelete: 'kubectl refuses to answer for OnDelete. Nothing rolls by itself, so the portal judges the pods that run.',
  revision: 'kubectl answers the question “is revision 1 out?” with an error. The portal always answers for what runs, and shows its revision beside it.',
  kept: 'kubectl knows what the cluster still has: trimmed revisions, and numbers that were given again, are gone. The portal’s records are written once and stay.',
  restored: 'The record holds the pod template, so a revision can be restored after the cluster has forgotten it, or renumbered it.',
  same: 'kubectl has lost the number, because the same template was numbered anew. The portal finds by the record that it is what runs.',
  cause: 'kubectl takes the old revision’s cause with it. The portal writes who rolled back and the change’s label, so that plain kubectl shows them.',
  annotations: 'kubectl replaces the Deployment’s annotations by those of the old ReplicaSet and so loses what was added later. The portal keeps them.',
};

const status = (kind, reason, ours, ...titles) => titles.map(title => ({ kind, title, point: 'state', kubectl: 'waiting', ours, reason: because[reason] }));
const pulled = ['a fresh image that cannot be pulled', 'rolling to an image that cannot be pulled', 'rolling to an image that crashes'];

export const documented = [
  ...status('deployment', 'pods', 'down', pulled[0], 'fresh and crashing', 'no node has its label', 'Recreate to an image that cannot be pulled'),
  ...status('deployment', 'pods', 'degraded', pulled[1], pulled[2], 'rolling to more CPU than any node has', 'the second container crashes'),
  ...status('statefulset', 'pods', 'down', pulled[0], 'no node has its label'),
  ...status('statefulset', 'pods', 'degraded', pulled[1], pulled[2]),
  ...status('daemonset', 'pods', 'down', pulled[0]),
  ...status('daemonset', 'pods', 'degraded', pulled[1], pulled[2]),
  ...status('deployment', 'quota', 'degraded', 'the second pod is over the quota'),
  ...status('deployment', 'quota', 'down', 'every pod is above the limit range'),
  ...status('deployment', 'paused', 'paused', 'paused with a change waiting', 'paused within a rollout'),
  { kind: 'deployment', title: 'paused at rest', point: 'state', kubectl: 'done', ours: 'paused', reason: because.paused },
  { kind: 'deployment', title: 'asked for an older revision', point: 'state', kubectl: 'another revision runs', ours: 'healthy', reason: because.revision },
  ...['statefulset', 'daemonset'].flatMap(kind => ['OnDelete, fresh', 'OnDelete with a change waiting']
    .map(title => ({ kind, title, point: 'state', kubectl: 'not for OnDelete', ours: 'healthy', reason: because.onDelete }))),

  { where: s => s.keeps && s.history, point: 'revisions kept', kubectl: /^\d/, ours: s => kept(s), reason: because.kept },
  { where: s => s.keeps && s.undo, point: 'revisions kept by kubectl’s twin', kubectl: /^\d/, ours: s => kept(s), reason: because.kept },
  { where: s => s.keeps && s.undo, point: 'revisions kept', kubectl: /^\d/, ours: s => kept(s), reason: because.kept },
  { where: s => s.undo?.restores, point: 'undo', kubectl: 'unknown revision', ours: 'rolled back', reason: because.restored },
  { kind: 'deployment', title: 'undo to a number whose template runs again', point: 'undo', kubectl: 'unknown revision', ours: 'skipped', reason: because.same },
  { where: s => s.kind === 'deployment' && s.undo?.is === 'rolled back', point: 'cause afterwards', kubectl: /^(one|two)$/, ours: /^CH-\d+ rollback /, reason: because.cause },
  { kind: 'deployment', title: 'undo with an annotation that only the Deployment has', point: 'annotations', kubectl: 'none', ours: 'note=kept', reason: because.annotations },
];

/** The portal has all revisions from the first on: also those that kubectl has no longer. */
const kept = ({ keeps }) => new RegExp(`^${keeps.join(', ')}, `);

export const entriesOf = scenario => documented.filter(entry => (entry.where ? entry.where(scenario) : entry.kind === scenario.kind && entry.title === scenario.title));

const says = (wanted, text, scenario) => {
  const pattern = typeof wanted === 'function' ? wanted(scenario) : wanted;
  return pattern instanceof RegExp ? pattern.test(text) : pattern === text;
};

/** The differences that no entry explains, and the entries that were not seen. */
export function judge(scenario, differences) {
  const entries = entriesOf(scenario);
  const explains = (entry, d) => entry.point === d.point && says(entry.kubectl, d.kubectl, scenario) && says(entry.ours, d.ours, scenario);
  return {
    unexplained: differences.filter(d => !entries.some(entry => explains(entry, d))),
    unseen: entries.filter(entry => !differences.some(d => explains(entry, d))),
  };
}
