// Status, history and undo as the real kubectl says and does them, against the portal: a table of scenarios on a real control plane.
//   node end2end/cluster/kubectl/main.mjs [--only REGEX] [--jobs N] [--kubeconfig FILE]
// --kubeconfig: the administrator's file of a control plane that runs already (end2end/controlplane); without it one is started.
// Ends with `N passed, N failed`; exit 1 with a failure, exit 3 where no control plane can be had.
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { Portal, binary, root } from '../portal.mjs';
import { Cluster } from './cluster.mjs';
import daemonsets from './daemonset.mjs';
import deployments from './deployment.mjs';
import quiet from './quiet.mjs';
import statefulsets from './statefulset.mjs';
import { compare, markdown, prepare, verdict } from './table.mjs';

const option = name => (process.argv.includes(name) ? process.argv[process.argv.indexOf(name) + 1] : null);
const began = Date.now();
const script = path.join(root, 'end2end/controlplane/controlplane');
const bin = path.join(root, 'end2end/controlplane/bin/kubectl');
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'devmatrix-kubectl-'));
const plane = path.join(folder, 'plane');
const only = option('--only') && new RegExp(option('--only'));
const jobs = Number(option('--jobs') ?? 16);
const handedOver = option('--kubeconfig');

const all = [['deployment', deployments], ['statefulset', statefulsets], ['daemonset', daemonsets], [null, quiet]]
  .flatMap(([kind, scenarios]) => scenarios.map(scenario => (kind ? { kind, ...scenario } : scenario)))
  .map((scenario, at) => ({ ...scenario, number: at + 1, id: `${scenario.kind}-${at + 1}` }));
const chosen = all.filter(s => !only || only.test(`${s.kind}: ${s.title}`));

/** Three namespaces: the scenarios, the twins that the portal rolls back, and one with a quota and a limit range. */
const run = randomBytes(3).toString('hex');
const namespaces = { first: `kubectl-${run}`, twin: `kubectl-${run}-twin`, quota: `kubectl-${run}-quota` };
const setting = () => Object.values(namespaces).flatMap(name => [
  { apiVersion: 'v1', kind: 'Namespace', metadata: { name } },
  { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'RoleBinding', metadata: { name: 'portal', namespace: name },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'portal' }, subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: 'portal' }] },
]).concat([
  { apiVersion: 'v1', kind: 'ResourceQuota', metadata: { name: 'pods', namespace: namespaces.quota }, spec: { hard: { pods: '1' } } },
  { apiVersion: 'v1', kind: 'LimitRange', metadata: { name: 'cpu', namespace: namespaces.quota }, spec: { limits: [{ type: 'Container', max: { cpu: '2' } }] } },
]);

/** JSON is YAML. */
const configuration = kubeconfig => JSON.stringify({
  organisation: 'Table',
  teams: [{ name: 'team', title: 'Team', members: ['bea'], roles: ['deployer'] }],
  clusters: [{ name: 'plane', provider: 'kubeconfig', kubeconfig: { path: kubeconfig } }],
  environments: Object.entries(namespaces).map(([name, namespace], at) => ({ name, title: name, stage: at + 1, cluster: 'plane', namespace })),
  components: chosen.map(({ id, kind, title, container }) => ({ name: id, title: `${kind}: ${title}`, owner: 'team', workload: `${kind}/${id}`, container: container ?? 'app' })),
}, null, 1);

class NotRun extends Error {}

/** What runs as our child, for the case of an interruption. */
const ours = {};

async function main() {
  if (!chosen.length) throw new Error(`no scenario matches ${only}`);
  if (!binary) throw new Error('there is no devmatrix binary: run `make build`');
  const admin = handedOver ? path.resolve(handedOver) : start();
  const beside = path.join(path.dirname(admin), 'portal.kubeconfig');
  const cluster = new Cluster(fs.existsSync(bin) ? bin : 'kubectl', admin, path.join(folder, 'cache'));
  const portal = new Portal(folder, configuration(fs.existsSync(beside) ? beside : admin));
  const world = { cluster, portal, namespaces, matrix: shared(async () => (await portal.as('bea', 'GET', '/api/v1/matrix')).body) };
  Object.assign(ours, { cluster, portal });
  try {
    await cluster.must(['create', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items: setting() }));
    await cluster.openProxy();
    await portal.start();
    const rows = await table(world);
    if (/panicked|an unexpected failure/.test(portal.log())) throw new Error(`the portal's log: ${portal.log().match(/.*(panicked|an unexpected failure).*/)[0]}`);
    report(rows);
  } finally {
    await portal.stop();
    if (handedOver) await cluster.kubectl(['delete', 'namespace', '--wait=false', ...Object.values(namespaces)]);
    cluster.closeProxy();
  }
}

function start() {
  const { status } = spawnSync(script, ['start', plane], { stdio: ['ignore', 'ignore', 'inherit'] });
  if (status === 3) throw new NotRun('there is no control plane');
  if (status !== 0) throw new Error(`the control plane did not start (exit ${status})`);
  return path.join(plane, 'admin.kubeconfig');
}

/** One call at a time: whoever asks meanwhile shares the one that begins next, so that an answer is never older than its question. */
function shared(call) {
  let [current, next] = [Promise.resolve(), null];
  return () => (next ??= current.catch(() => {}).then(() => { next = null; return (current = call()); }));
}

async function table(world) {
  const rows = [];
  const tell = row => { rows.push(row); print(row); };
  const waiting = chosen.filter(scenario => !scenario.quiet);
  await Promise.all(Array.from({ length: jobs }, async () => {
    for (let scenario; (scenario = waiting.shift());) tell(await one(scenario, () => prepare(world, scenario), workloads => compare(world, scenario, workloads)));
  }));
  await inTheQuiet(world, chosen.filter(scenario => scenario.quiet), tell);
  return rows.sort((a, b) => a.scenario.number - b.scenario.number);
}

async function one(scenario, begin, go) {
  const at = Date.now();
  try {
    const row = verdict(scenario, await go(await begin()));
    return { ...row, seconds: (Date.now() - at) / 1000 };
  } catch (error) {
    return { ...verdict(scenario, { differences: [] }, error), seconds: (Date.now() - at) / 1000 };
  }
}

/** The controller manager is stopped for as long as it takes to compare, all scenarios at once. */
async function inTheQuiet(world, scenarios, tell) {
  if (!scenarios.length) return;
  if (handedOver) return scenarios.forEach(scenario => tell({ scenario, verdict: 'skipped', skipped: 'the controllers are not ours to stop' }));
  const pid = Number(fs.readFileSync(path.join(plane, 'pids'), 'utf8').match(/^kube-controller-manager (\d+)$/m)[1]);
  const begun = await Promise.all(scenarios.map(scenario => prepare(world, scenario).catch(error => error)));
  process.kill(pid, 'SIGSTOP');
  try {
    await Promise.all(scenarios.map(async (scenario, at) => tell(await one(scenario, async () => {
      if (begun[at] instanceof Error) throw begun[at];
      const [workload] = begun[at];
      if (scenario.steps === null) await workload.create();
      for (const step of scenario.quiet) await step(workload);
      return begun[at];
    }, workloads => compare(world, scenario, workloads)))));
  } finally {
    process.kill(pid, 'SIGCONT');
  }
}

function print({ scenario, problems = [], verdict: said, skipped, seconds, cell }) {
  const { number, kind, title } = scenario;
  const note = skipped ? ` # SKIP ${skipped}` : said === 'documented' ? ' # documented' : '';
  console.log(`${problems.length ? 'not ok' : 'ok'} ${number} - ${kind}: ${title}${note}${seconds ? ` (${seconds.toFixed(1)} s)` : ''}`);
  for (const problem of problems) console.log(`    ${problem}`);
  if (problems.length && cell) console.log(`    cell: ${JSON.stringify(cell)}`);
}

function report(rows) {
  const count = verdict => rows.filter(row => row.verdict === verdict).length;
  const [failed, skipped] = [count('DISAGREES'), count('skipped')];
  const summary = `${rows.length} scenarios: ${count('agrees')} agree, ${count('documented')} differ as documented, ${failed} disagree${skipped ? `, ${skipped} skipped` : ''}.`;
  const results = path.join(root, 'end2end/results');
  fs.mkdirSync(results, { recursive: true });
  fs.writeFileSync(path.join(results, 'kubectl.md'), markdown(rows, summary));
  const perKind = ['deployment', 'statefulset', 'daemonset'].map(kind => `${kind} ${rows.filter(row => row.scenario.kind === kind).length}`).join(', ');
  console.log(`\n${summary} (${perKind}; ${((Date.now() - began) / 1000).toFixed(0)} s; end2end/results/kubectl.md)`);
  console.log(`\n${rows.length - failed - skipped} passed, ${failed} failed${skipped ? `, ${skipped} skipped` : ''}`);
  if (failed) process.exitCode = 1;
}

/** Also when it is interrupted: a control plane is not left running. */
function cleanUp() {
  if (!handedOver && fs.existsSync(path.join(plane, 'port'))) spawnSync(script, ['stop', plane], { stdio: 'ignore' });
  fs.rmSync(folder, { recursive: true, force: true });
}
for (const signal of ['SIGINT', 'SIGTERM']) {
  process.on(signal, () => { for (const child of [ours.portal?.process, ours.cluster?.proxy]) child?.kill('SIGKILL'); cleanUp(); process.exit(1); });
}

try {
  await main();
} catch (error) {
  console.error(error instanceof NotRun ? `not run: ${error.message}` : error);
  process.exitCode = error instanceof NotRun ? 3 : 1;
} finally {
  cleanUp();
}
