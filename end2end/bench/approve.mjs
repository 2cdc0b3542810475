// From the approval of a change to its PATCH in the API server's audit log, beside `kubectl patch` from its start to the same; and how
// many changes a second a portal carries from their approval to their end.
import fs from 'node:fs';
import path from 'node:path';
import { kubeconfig, configuration } from './kubernetes.mjs';
import { Portal, ask, end, kubectlPatch, pause, realCluster, simulated } from './processes.mjs';
import { median, quantile } from './figures.mjs';

const ROUNDS = Number(process.env.BENCH_APPROVALS ?? 40), COMPONENTS = 50, WAVES = 3;
const PATIENCE_MS = 60_000;

/** Two people of one portal: one asks, the other one approves. */
class People {
  constructor(portal) {
    this.portal = portal;
    this.asks = portal.token('bench', 'read,change');
    this.approves = portal.token('boss', 'read,approve');
  }

  async send(token, at, body) {
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
    const answer = await ask(this.portal.url + at, { method: body ? 'POST' : 'GET', headers, body: body && JSON.stringify(body) });
    const said = answer.body.toString();
    if (answer.status >= 300) throw new Error(`${at}: ${answer.status} ${said.slice(0, 300)}`);
    return JSON.parse(said);
  }

  restart(component) {
    return this.send(this.asks, '/api/v1/changes', { kind: 'restart', component, environment: 'prod', reason: 'bench' });
  }

  approve(change) {
    return this.send(this.approves, `/api/v1/changes/${change.id}/approve`, { digest: change.plan.digest });
  }

  async ended(change) {
    for (const from = Date.now(); Date.now() - from < PATIENCE_MS; await pause(50)) {
      const now = await this.send(this.asks, `/api/v1/changes/${change.id}`);
      if (now.outcome) {
        if (now.state !== 'succeeded') throw new Error(`${now.label} ended ${now.state}: ${now.outcome.reason}`);
        return;
      }
    }
    throw new Error(`${change.label} did not end`);
  }
}

/** Follows the audit log: when the API server received the next write of this sort. */
function audited(log, matches) {
  const from = fs.statSync(log).size;
  return async () => {
    for (const began = Date.now(); Date.now() - began < PATIENCE_MS; await pause(5)) {
      const fresh = fs.readFileSync(log).subarray(from).toString().split('\n').filter(Boolean);
      for (const line of fresh) {
        let event;
        try { event = JSON.parse(line); } catch { continue; }
        if (event.verb === 'patch' && event.objectRef?.resource === 'deployments' && !event.requestURI.includes('dryRun') && matches(event)) {
          return Date.parse(event.requestReceivedTimestamp);
        }
      }
    }
    throw new Error('the write is not in the audit log');
  };
}

/** On a real control plane; where there is none, nothing. */
export async function approve({ figures, results, component }) {
  const way = await realCluster();
  if (!way) return figures.note('Not measured: from an approval to its PATCH (`make controlplane` builds a control plane; it needs Go).');
  const portal = new Portal('approve', () => configuration({
    clusters: [{ name: 'real', provider: 'kubeconfig', kubeconfig: { path: way.kubeconfig, context: way.context } }],
    environments: [
      { name: 'staging', title: 'Staging', cluster: 'real', namespace: 'devmatrix-staging' },
      { name: 'prod', title: 'Production', cluster: 'real', namespace: 'devmatrix', promote_from: 'staging' },
    ],
    components: [{ ...component(0), name: 'api', title: 'API server', workload: 'deployment/devmatrix-api', container: 'api' }],
  }));
  await portal.start();
  await portal.signIn();
  await portal.good(2);
  const people = new People(portal), log = path.join(way.directory, 'audit.log'), ours = [], theirs = [];
  for (let round = 0; round < ROUNDS; round++) {
    const change = await people.restart('api');
    const written = audited(log, event => event.requestURI.includes('fieldManager=devmatrix-portal'));
    const from = Date.now();
    await people.approve(change);
    ours.push(await written() - from);
    await people.ended(change);
    const patched = audited(log, event => event.userAgent.startsWith('kubectl'));
    const began = Date.now();
    await kubectlPatch(way.directory, 'devmatrix', 'devmatrix-api', { metadata: { annotations: { bench: String(round) } } });
    theirs.push(await patched() - began);
    await pause(200);
  }
  results.approve = { ours, theirs };
  const ratio = quantile(ours, 0.99) / quantile(theirs, 0.99);
  figures.add(`approval to the PATCH in the audit log over \`kubectl patch\`, p99 of ${ROUNDS}`, ratio, 'ratio', { most: 1.5 },
    `${quantile(ours, 0.99)} ms, median ${median(ours)}; kubectl ${quantile(theirs, 0.99)} ms, median ${median(theirs)}`);
  await portal.stop();
}

/** All components of a simulated cluster at once, several times. */
export async function changes({ figures, results, component }) {
  const { child, urls } = await simulated({ staging: `${COMPONENTS}x1`, prod: `${COMPONENTS}x1` });
  const portal = new Portal('changes', folder => configuration({
    clusters: Object.keys(urls).map(name => ({ name, provider: 'kubeconfig', kubeconfig: { path: kubeconfig(folder, name, urls[name]) } })),
    environments: [
      { name: 'staging', title: 'Staging', cluster: 'staging', namespace: 'team-a' },
      { name: 'prod', title: 'Production', cluster: 'prod', namespace: 'team-a', promote_from: 'staging' },
    ],
    components: Array.from({ length: COMPONENTS }, (_, at) => component(at)),
  }));
  await portal.start();
  await portal.signIn();
  await portal.good(2 * COMPONENTS);
  const people = new People(portal), rates = [];
  for (let wave = 0; wave < WAVES; wave++) {
    const asked = [];
    for (let at = 0; at < COMPONENTS; at++) asked.push(await people.restart(component(at).name));
    const from = performance.now();
    await Promise.all(asked.map(change => people.approve(change)));
    await Promise.all(asked.map(change => people.ended(change)));
    rates.push(COMPONENTS / ((performance.now() - from) / 1000));
  }
  results.changes = rates;
  figures.add(`changes a second from approval to end, ${COMPONENTS} at once, simulated cluster, median of ${WAVES}`, median(rates), '/s', null, `${Math.min(...rates).toFixed(1)} to ${Math.max(...rates).toFixed(1)}; with their rollouts`);
  await portal.stop();
  await end(child);
}
