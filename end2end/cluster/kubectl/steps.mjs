// What a scenario does to its workload, each a function of the workload. Everything goes through kubectl.
import { eventually } from '../portal.mjs';
import { image } from './cluster.mjs';

/** `kubectl LINE`, with `@` for the workload. */
export const run = line => w => w.must(line);

export const patch = body => w => w.must(['patch', '@', '--type=strategic', '-p', JSON.stringify(body)]);

/** Another image by hand, with its cause in the same write as CI does it; without one the old cause stays, as with `kubectl set image`. */
export const release = (tag, cause, container = 'app') => patch({
  ...(cause ? { metadata: { annotations: { 'kubernetes.io/change-cause': cause } } } : {}),
  spec: { template: { spec: { containers: [{ name: container, image: image(tag, container) }] } } },
});

/** Until `kubectl rollout status` ends well. */
export const rolled = w => w.must('rollout status @ --timeout=60s');

export const says = pattern => w => w.says(pattern);

/** Until the object is so. */
export const until = (what, test) => w => eventually(`${w.ref}: ${what}`, async () => { const object = await w.object(); return object && test(object); });

export const observed = until('the controller has seen it', o => o.status.observedGeneration === o.metadata.generation);

/** Until there are as many pods as asked for. */
export const resized = until('it has as many pods as asked for', o => o.status.observedGeneration === o.metadata.generation && (o.status.replicas ?? 0) === o.spec.replicas);

/** Until the portal has written down the newest revision; what it never saw it cannot have recorded. */
export const recorded = w => eventually(`the portal records the newest revision of ${w.ref}`, async () => {
  const [history, records] = [await w.history(), await w.records()];
  return records.some(record => record.revision === history.at(-1).revision) || Promise.reject(new Error(JSON.stringify({ history, records })));
}, 15);

export const gone = async w => { await w.must('delete @ --cascade=foreground --timeout=60s'); };
export const remade = async w => { await gone(w); await w.create(); };

/** A release that has rolled out, is recorded, and is followed by the next step. */
export const released = (tag, cause) => [release(tag, cause), observed, rolled];
