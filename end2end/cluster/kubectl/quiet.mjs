// Scenarios in which the controllers do not look: the controller manager of our own control plane stands still while `quiet` is done
// and compared, so they run at the end, and not on a cluster of somebody else's. Without `steps` the workload is made in the quiet.
import { release, rolled, run } from './steps.mjs';

const says = /spec update to be observed/;
const made = { title: 'made, not yet seen by its controller', steps: null, quiet: [], says };
const changed = { title: 'a new image, not yet seen by its controller', steps: [rolled], quiet: [release('2')], says };

export default [
  { kind: 'deployment', ...made },
  { kind: 'deployment', ...changed },
  { kind: 'deployment', title: 'scaled to 0, not yet seen by its controller', steps: [rolled], quiet: [run('scale @ --replicas=0')], says },
  { kind: 'statefulset', ...made },
  { kind: 'statefulset', ...changed },
  { kind: 'daemonset', ...made },
  { kind: 'daemonset', ...changed },
];
