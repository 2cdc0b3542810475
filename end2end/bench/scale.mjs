// Ten thousand Deployments and fifty thousand pods in one cluster: what the portal needs for them, beside the bytes of their
// lists, client-go and kubectl.
import { Cluster, configuration, kubeconfig } from './kubernetes.mjs';
import { Portal, ask, clientGo, end, kubectl, pause, simulated } from './processes.mjs';
import { context } from './visit.mjs';
import { median } from './figures.mjs';

const DEPLOYMENTS = 10_000, EACH = 5, STARTS = 3, PATIENCE_MS = 180_000;
/** Of team-a, which is looked at while they change; of each other namespace one. The others are undeclared. */
const DECLARED = 100;
const NAMESPACES = Array.from({ length: 26 }, (_, at) => `team-${String.fromCharCode(97 + at)}`);
/** Events a second that are tried, and for how long; a view that is further behind at the end does not keep up. */
const RATES = (process.env.BENCH_RATES ?? '200,500,1000,2000,4000').split(',').map(Number), SECONDS = 10, BEHIND_MS = 2000;
/** All that the portal watches, by the group that serves it. */
const KINDS = {
  'apis/apps/v1': ['deployments', 'statefulsets', 'daemonsets', 'replicasets', 'controllerrevisions'],
  'api/v1': ['pods', 'services', 'configmaps', 'persistentvolumeclaims', 'nodes', 'events'],
  'apis/autoscaling/v2': ['horizontalpodautoscalers'],
  'apis/networking.k8s.io/v1': ['ingresses', 'networkpolicies'],
  'apis/batch/v1': ['jobs', 'cronjobs'],
};
/** Nothing that it shows first waits for Events, so kubectl does not read them either. */
const AWAITED = Object.values(KINDS).flat().filter(kind => kind !== 'events');
const MARKED = '/apis/apps/v1/namespaces/team-a/deployments';

/** `bench`: {figures, results, say, component} of bench.mjs. */
export async function scale(chromium, bench) {
  const { child, urls, order } = await simulated({ load: `${DEPLOYMENTS}x${EACH}` });
  const cluster = new Cluster({ url: urls.load });
  const portal = new Portal('scale', folder => configuration({
    clusters: [{ name: 'load', provider: 'eks', region: 'us-east-1', kubeconfig: { path: kubeconfig(folder, 'load', urls.load) } }],
    environments: NAMESPACES.map(name => ({ name, title: name, cluster: 'load', namespace: name })),
    components: Array.from({ length: DECLARED + NAMESPACES.length - 1 }, (_, at) => bench.component(at < DECLARED ? at : (at - DECLARED + 1) * 100)),
  }));
  const kept = (bench.results.scale = {}), way = kubeconfig(portal.home, 'load', urls.load);
  const stage = { ...bench, chromium, portal, cluster, order, kept, kubeconfig: way, lists: await lists(urls.load) };
  try {
    await starts(stage);
    await held(stage);
    // Before the changes, so that all hold the same.
    await besideClientGo(stage);
    await besideKubectl(stage);
    await relist(stage);
    await rates(stage);
  } finally {
    await portal.stop();
    await end(child);
  }
}

/** The bytes of every list, and the time that they take alone, one after another. */
async function lists(url) {
  const sum = { bytes: 0, took: 0 }, from = performance.now();
  for (const [group, kinds] of Object.entries(KINDS)) {
    for (const kind of kinds) {
      const { status, body } = await ask(`${url}/${group}/${kind}`);
      if (status !== 200) throw new Error(`the list of ${kind} was answered with ${status}`);
      sum.bytes += body.length;
    }
  }
  return { ...sum, took: performance.now() - from };
}

/** From the process to ready with everything held, a few times; the last portal stays. */
async function starts({ portal, kept, say }) {
  const took = [];
  for (let round = 0; round < STARTS; round++) {
    if (round) await portal.stop();
    const from = performance.now();
    await portal.start();
    await all(portal, from);
    took.push(performance.now() - from);
    say(`scale: ready with everything after ${Math.round(took.at(-1))} ms`);
  }
  kept.starts = took;
}

/** Waits until it is ready and holds all there is. */
async function all(portal, from) {
  for (;;) {
    const [{ status }, { body }] = await Promise.all([ask(`${portal.url}/readyz`), ask(`${portal.url}/metrics`)]);
    const of = name => Number(new RegExp(`^devmatrix_cluster_${name}\\{.*\\} (\\d+)`, 'm').exec(body)?.[1] ?? 0);
    const [workloads, pods] = [of('workloads'), of('pods')];
    if (status === 200 && workloads >= DEPLOYMENTS && pods >= DEPLOYMENTS * EACH) return;
    if (performance.now() - from > PATIENCE_MS) throw new Error(`after three minutes it holds ${workloads} workloads and ${pods} pods, and /readyz says ${status}`);
    await pause(20);
  }
}

async function held({ portal, lists, kept, figures }) {
  await settled(portal);
  const memory = portal.memory(), listed = lists.bytes / 2 ** 20;
  Object.assign(kept, { memory, lists });
  const parts = `${Math.round(memory.resident)} MB, ${Math.round(memory.anonymous)} of them anonymous, peak ${Math.round(memory.peak)}; the lists ${Math.round(listed)} MB`;
  figures.add('10,000 Deployments and 50,000 pods: resident over the bytes of their lists', memory.resident / listed, 'ratio', null, parts);
}

/** Waits until it has done next to nothing for two seconds; returns the seconds of work until then. */
async function settled(portal) {
  const before = portal.cpu();
  for (let quiet = 0, from = performance.now(); quiet < 4;) {
    const was = portal.cpu();
    await pause(500);
    quiet = portal.cpu() - was < 0.05 ? quiet + 1 : 0;
    if (performance.now() - from > PATIENCE_MS) throw new Error('three minutes later it is still busy');
  }
  return portal.cpu() - before;
}

/** All watches expire at once. */
async function relist({ portal, order, kept, figures }) {
  const before = portal.memory().resident;
  portal.forgetPeak();
  await order('expire load');
  const worked = await settled(portal), after = portal.memory();
  kept.relist = { before, worked, after };
  // It was idle before: without any work nothing was listed.
  if (worked < 0.5) throw new Error('the portal did not list anew when its watches expired');
  figures.add('the same, everything listed anew: peak over resident before', after.peak / before, 'ratio', null,
    `${Math.round(after.peak)} over ${Math.round(before)} MB, ${Math.round(after.resident)} afterwards; ${worked.toFixed(1)} s of a core`);
}

/** Changes faster and faster, with a page open that shows some of them. */
async function rates({ chromium, portal, cluster, order, kept, figures, say }) {
  await portal.signIn();
  const made = await context(chromium, portal.url, portal.cookie);
  const rounds = (kept.rates = []);
  try {
    const page = await made.newPage();
    await page.goto(`${portal.url}/environments/team-a`, { timeout: PATIENCE_MS });
    await page.locator('[data-live=live]').first().waitFor({ timeout: PATIENCE_MS });
    for (const [at, rate] of RATES.entries()) {
      const before = portal.cpu(), done = await order(`change load ${rate} ${SECONDS}`), cpu = portal.cpu() - before;
      const round = { rate, ...done, per_second: done.events / done.seconds, cores: cpu / done.seconds, behind: await behind(portal, cluster, EACH + 1 + at % 2) };
      rounds.push(round);
      say(`scale: ${Math.round(round.per_second)} events a second, then ${Math.round(round.behind)} ms behind, ${round.cores.toFixed(2)} cores`);
      if (round.behind > BEHIND_MS) break;
      await settled(portal);
    }
    kept.live = await page.locator('[data-live=live]').count();
    if (!kept.live) figures.note('The page of the environment was no longer live after the changes.');
  } finally { await made.close(); }
  const best = Math.max(...rounds.filter(round => round.behind <= BEHIND_MS).map(round => round.per_second));
  const last = rounds.at(-1), no_more = last.behind <= BEHIND_MS && last.per_second < 0.9 * last.rate ? '; the simulated cluster makes no more' : '';
  figures.add('the same, watch events a second with at most 2 s behind', best, '/s', null,
    rounds.map(({ per_second, behind, cores }) => `${Math.round(per_second)} /s: ${Math.round(behind)} ms, ${cores.toFixed(1)} cores`).join('; ') + no_more);
}

/** A change at the end of all the others: how long until the portal's API has it, and what came before it. */
async function behind(portal, cluster, replicas) {
  await cluster.send('PATCH', `${MARKED}/load-0000`, { spec: { replicas } });
  const from = performance.now(), { items } = await cluster.send('GET', MARKED);
  const paused = new Set(items.filter(item => item.spec.paused).map(item => item.metadata.name));
  while (performance.now() - from < PATIENCE_MS) {
    const { body } = await portal.page('/api/v1/environments/team-a');
    const cells = JSON.parse(body).components.filter(({ cell }) => cell.state !== 'absent');
    const has = ({ name, cell }) => (cell.state === 'paused') === paused.has(name) && (name !== 'load-0000' || cell.desired === replicas);
    if (cells.length === DECLARED && cells.every(has)) return performance.now() - from;
    await pause(20);
  }
  return Infinity;
}

async function besideKubectl({ kubeconfig, lists, kept, figures, say }) {
  say('scale: kubectl');
  const took = median(kept.starts);
  const theirs = (kept.kubectl = await kubectl(kubeconfig, AWAITED));
  if (theirs === null) return figures.note('Not measured: kubectl, because it is not built (`make controlplane` builds it; it needs Go).');
  figures.add('the same, process to ready over `kubectl get -A -o json`', took / theirs, 'ratio', { most: 1.5 },
    `${(took / 1000).toFixed(1)} s; kubectl ${(theirs / 1000).toFixed(1)} s; the lists alone ${(lists.took / 1000).toFixed(1)} s`);
}

async function besideClientGo({ kubeconfig, kept, figures, say }) {
  say('scale: client-go');
  const theirs = await clientGo(kubeconfig, NAMESPACES);
  if (!theirs) return figures.note('Not measured: client-go, because Go is not installed');
  const megabytes = theirs.resident / 1024, { resident } = kept.memory;
  kept.clientgo = { resident: megabytes, peak: theirs.peak / 1024, took: theirs.ms };
  figures.add('the same, resident over that of client-go informers', resident / megabytes, 'ratio', { most: 0.2 },
    `${Math.round(resident)} over ${Math.round(megabytes)} MB; client-go's peak ${Math.round(theirs.peak / 1024)} MB, in sync after ${(theirs.ms / 1000).toFixed(1)} s`);
  await end(theirs.child);
}
