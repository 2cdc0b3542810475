#!/usr/bin/env node
// make bench: what the portal costs and how fast it is, each figure beside a baseline of the same run. About ten minutes.
// `node bench.mjs http paint` does only these parts. Prints the table; everything else is in end2end/results/bench.json.
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import zlib from 'node:zlib';
import { Figures, median, quantile, spread } from './figures.mjs';
import { Cluster, configuration, kubeconfig } from './kubernetes.mjs';
import { Portal, ask, bare, build, end, endAll, folder, load, noise, pause, realCluster, root, simulated } from './processes.mjs';
import { browser, visit } from './visit.mjs';
import { follow } from './follow.mjs';
import { scale } from './scale.mjs';
import { approve, changes } from './approve.mjs';

const COMPONENTS = 50, CONNECTIONS = 16;
const ROUNDS = 3, SECONDS = Number(process.env.BENCH_SECONDS ?? 8);
const VISITS = Number(process.env.BENCH_VISITS ?? 9), CHANGES = Number(process.env.BENCH_CHANGES ?? 30), STARTS = 5;
/** As a browser sends it. */
const ENCODINGS = { 'accept-encoding': 'gzip, deflate, br, zstd' };
/** Above this share of the cores in others' hands the figures are worth less. */
const QUIET = 0.1;

const figures = new Figures(), results = {};
const say = text => process.stderr.write(`bench: ${text}\n`);
const number = (at, width = 4) => String(at).padStart(width, '0');
const deployment = at => `load-${number(at)}`;
const component = (at, more = {}) => ({ name: deployment(at), title: `Service ${number(at)}`, owner: 'bench', technology: 'Rust', workload: `deployment/${deployment(at)}`, container: 'app', ...more });
const deployments = namespace => `/apis/apps/v1/namespaces/${namespace}/deployments`;
const image = (name, tag, container = 'app', repository = `registry.devmatrix.example/load/${name}`) => ({ spec: { template: { spec: { containers: [{ name: container, image: `${repository}:${tag}` }] } } } });
const imageOf = event => event.object.spec?.template?.spec?.containers?.[0]?.image ?? '';

/** Fifty components in three environments, some of production behind staging. */
async function home() {
  const names = ['staging', 'east', 'central'];
  const { child, urls } = await simulated(Object.fromEntries(names.map(name => [name, `${COMPONENTS}x3`])));
  const clusters = Object.fromEntries(names.map(name => [name, new Cluster({ url: urls[name] })]));
  for (let at = 0; at < COMPONENTS; at += 4) await clusters.staging.send('PATCH', `${deployments('team-a')}/${deployment(at)}`, image(deployment(at), '1.1.0'));
  const portal = new Portal('home', folder => configuration({
    clusters: [['staging', 'aks', 'eastus'], ['east', 'eks', 'us-east-1'], ['central', 'gke', 'us-central1-a']]
      .map(([name, provider, region]) => ({ name, provider, region, kubeconfig: { path: kubeconfig(folder, name, urls[name]) } })),
    environments: [
      { name: 'staging', title: 'Staging', cluster: 'staging', namespace: 'team-a' },
      { name: 'east', title: 'Production East', cluster: 'east', namespace: 'team-a', promote_from: 'staging' },
      { name: 'central', title: 'Production Central', cluster: 'central', namespace: 'team-a', promote_from: 'staging' },
    ],
    components: Array.from({ length: COMPONENTS }, (_, at) => component(at)),
  }));
  await portal.start();
  await portal.signIn();
  await portal.good(3 * COMPONENTS);
  // The rollouts of the patches above come to their end.
  await pause(15_000);
  return { portal, clusters, child };
}

/** Requests a second and the 95th percentile, against a bare axum handler with the same bytes. */
async function http({ portal }) {
  const recorded = await portal.page('/', ENCODINGS);
  const floor = await bare(record([{ path: '/', ...recorded }]));
  const order = (url, at = '/') => ({ address: new URL(url).host, path: at, headers: [['cookie', portal.cookie], ...Object.entries(ENCODINGS)], connections: CONNECTIONS, seconds: SECONDS });
  const rounds = { ours: [], bare: [], rendered: [] };
  for (let round = 0; round < ROUNDS; round++) {
    rounds.ours.push(await load(order(portal.url)));
    rounds.bare.push(await load(order(floor)));
    rounds.rendered.push(await load({ ...order(portal.url, '/?fresh={}'), seconds: SECONDS / 2 }));
  }
  const of = (name, what) => median(rounds[name].map(round => round[what]));
  const bad = Object.values(rounds).flat().reduce((sum, round) => sum + round.not_200, 0);
  if (bad) figures.note(`${bad} answers under load were no 200.`);
  results.http = { rounds, bytes: recorded.body.length };
  figures.add('home, requests a second over the bare handler', of('ours', 'per_second') / of('bare', 'per_second'), 'ratio', { least: 0.3 },
    `${Math.round(of('ours', 'per_second'))} /s; bare ${Math.round(of('bare', 'per_second'))} /s; ${recorded.body.length} bytes`);
  figures.add('home, p95 of the bare handler over ours', of('bare', 'p95_us') / of('ours', 'p95_us'), 'ratio', { least: 0.3 },
    `${(of('ours', 'p95_us') / 1000).toFixed(2)} ms; bare ${(of('bare', 'p95_us') / 1000).toFixed(2)} ms; ${CONNECTIONS} connections`);
  figures.add('the same, each request rendered and compressed anew', of('rendered', 'per_second'), '/s', null, `p95 ${(of('rendered', 'p95_us') / 1000).toFixed(0)} ms`);
}

/** Answers for the bare handler to give; returns their folder. */
function record(answers) {
  const directory = folder('answers');
  const kept = headers => Object.fromEntries(Object.entries(headers).filter(([name]) => !['date', 'content-length', 'connection', 'transfer-encoding', 'keep-alive'].includes(name)));
  const rows = answers.map(({ path: at, headers, body }, index) => {
    fs.writeFileSync(path.join(directory, `${index}`), body);
    return { path: at, headers: kept(headers), body: `${index}` };
  });
  fs.writeFileSync(path.join(directory, 'answers.json'), JSON.stringify(rows));
  return directory;
}

/** The same page and style sheet without a script, from the bare handler: what the browser alone takes. */
async function withoutScript(portal) {
  const page = await portal.page('/'), html = page.body.toString();
  const stripped = html.replace(/<script\b[\s\S]*?<\/script>/g, '').replace(/<link\b[^>]*(modulepreload|as="?(script|fetch))[^>]*>/g, '');
  if (/<script/.test(stripped) || stripped === html) throw new Error('the page has no script to take away');
  const body = zlib.brotliCompressSync(stripped, { params: { [zlib.constants.BROTLI_PARAM_QUALITY]: 4 } });
  const files = await Promise.all([...stripped.matchAll(/<link [^>]*href="([^"#]+)"/g)].map(async ([, at]) => ({ path: at, ...await portal.page(at, ENCODINGS) })));
  return bare(record([{ path: '/', headers: { ...page.headers, 'content-encoding': 'br' }, body }, ...files]));
}

const MATRIX = { ready: '[data-testid=matrix] tbody tr', count: COMPONENTS };
const CLICKS = {
  palette: { click: '.palette-trigger', then: '.palette:popover-open' },
  menu: { click: '.menu-user > summary', then: '.menu-user[open]' },
};

/** First visits of home: at full speed beside the page without script, and with the CPU four times slower. */
async function paint({ portal }, chromium) {
  const floor = await withoutScript(portal);
  const runs = { full: [], bare: [], slow: [], bareSlow: [] };
  const ours = { ...MATRIX, cookie: portal.cookie, alive: '[data-live=live]', clicks: CLICKS };
  for (let round = 0; round < VISITS; round++) {
    runs.full.push(await visit(chromium, `${portal.url}/`, ours));
    runs.bare.push(await visit(chromium, `${floor}/`, MATRIX));
  }
  for (let round = 0; round < Math.max(3, VISITS - 2); round++) {
    runs.slow.push(await visit(chromium, `${portal.url}/`, { ...ours, slow: 4 }));
    runs.bareSlow.push(await visit(chromium, `${floor}/`, { ...MATRIX, clicks: { menu: CLICKS.menu }, slow: 4 }));
  }
  results.paint = runs;
  const of = (run, what) => median(runs[run].map(visit => visit[what]));
  const most = (run, what) => Math.max(...runs[run].map(visit => visit[what]));
  const click = (run, name) => quantile(runs[run].map(visit => visit.clicks[name]), 0.95);
  figures.add('bytes on the wire, first visit', of('full', 'bytes') / 1000, 'kB', { most: 200 }, 'Headlamp 1,632 / 1,976 kB; Backstage 1,233 kB');
  figures.add('requests, first visit', most('full', 'requests'), '', { most: 11 }, 'Headlamp 28; Backstage 80');
  figures.add('first contentful paint', of('full', 'fcp'), 'ms', { most: 111 }, 'Headlamp 1,112 / 1,236 ms; Backstage 1,152 ms');
  figures.add('largest contentful paint', of('full', 'lcp'), 'ms', { most: 144 }, 'Headlamp 1,664 / 2,220 ms; Backstage 1,448 ms');
  figures.add('the same over the same HTML without script', of('full', 'lcp') / of('bare', 'lcp'), 'ratio', { most: 1.3 }, `without script ${Math.round(of('bare', 'lcp'))} ms`);
  figures.add('the table is there', of('full', 'ready'), 'ms', { most: 161 }, 'Headlamp 1,616 / 2,163 ms; Backstage 1,835 ms');
  figures.add('the table is there, CPU 4 times slower', of('slow', 'ready'), 'ms', { most: 495 }, 'Headlamp 4,958 / 6,289 ms; Backstage 6,630 ms');
  figures.add('the same over the same HTML without script', of('slow', 'ready') / of('bareSlow', 'ready'), 'ratio', { most: 1.3 }, `without script ${Math.round(of('bareSlow', 'ready'))} ms`);
  figures.add('largest contentful paint, CPU 4 times slower', of('slow', 'lcp'), 'ms');
  figures.add('main thread blocked', of('full', 'blocked'), 'ms', { most: 49 }, 'Headlamp 647 / 910 ms; Backstage 741 ms');
  figures.add('main thread blocked, CPU 4 times slower', of('slow', 'blocked'), 'ms');
  figures.add('a click opens the palette (INP, p95), 4 times slower', click('slow', 'palette'), 'ms', { most: 50 }, `16: or less; full speed ${click('full', 'palette')} ms; Headlamp 448 ms; Backstage 272 ms`);
  figures.add('a click opens the account menu (INP, p95), 4 times slower', click('slow', 'menu'), 'ms', { most: 50 }, `16: or less; full speed ${click('full', 'menu')} ms`);
  figures.add('the same over the same HTML without script', click('slow', 'menu') / click('bareSlow', 'menu'), 'ratio', { most: 1.3 }, `without script ${click('bareSlow', 'menu')} ms`);
  figures.add('layout shift, worst visit', Math.max(most('full', 'shift'), most('slow', 'shift')), '', { most: 0 }, 'Headlamp 0.19; Backstage 0.04');
  figures.add('JavaScript heap after a collection', of('full', 'heap') / 1e6, 'MB', { most: 5.99 }, `and ${(of('full', 'wasm') / 1e6).toFixed(1)} MB of WebAssembly; Headlamp 25 / 33 MB; Backstage 23 MB`);
  const errors = [...new Set(Object.values(runs).flat().flatMap(visit => visit.errors))];
  if (errors.length) figures.note(`Errors in the browser's console: ${errors.slice(0, 3).join(' · ')}`);
}

/** From a change in the simulated cluster to the cell. */
async function live({ portal, clusters }, chromium) {
  const steps = (name, where) => ({
    replicas: at => ({
      selector: `#cell-${name}-staging .mx-ready`, text: `/${at % 2 ? 3 : 4}`, change: () => clusters.staging.send('PATCH', `${where}/${name}`, { spec: { replicas: at % 2 ? 3 : 4 } }),
      matches: event => event.object.metadata.name === name && event.object.spec.replicas === (at % 2 ? 3 : 4),
    }),
    image: at => ({
      selector: `#cell-${deployment(at + 11)}-staging`, text: `2.0.${at}`, change: () => clusters.staging.send('PATCH', `${where}/${deployment(at + 11)}`, image(deployment(at + 11), `2.0.${at}`)),
      matches: event => imageOf(event).endsWith(`:2.0.${at}`),
    }),
  });
  const where = deployments('team-a'), all = steps(deployment(10), where);
  await delays('simulated cluster', { cluster: clusters.staging, collection: where, chromium, portal, all });
}

/** The same on a real API server with its controllers. */
async function real(chromium) {
  const way = await realCluster();
  if (!way) return figures.note('Not measured: changes on a real control plane (`make controlplane` builds it; it needs Go).');
  const portal = new Portal('real', () => configuration({
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
  const cluster = new Cluster(way), where = deployments('devmatrix-staging'), name = 'devmatrix-api';
  const all = {
    replicas: at => ({
      selector: '#cell-api-staging .mx-ready', text: `/${at % 2 ? 2 : 3}`, change: () => cluster.send('PATCH', `${where}/${name}`, { spec: { replicas: at % 2 ? 2 : 3 } }),
      matches: event => event.object.spec.replicas === (at % 2 ? 2 : 3),
    }),
    image: at => ({
      selector: '#cell-api-staging', text: `9.0.${at}`, change: () => cluster.send('PATCH', `${where}/${name}`, image(name, `9.0.${at}`, 'api', 'registry.devmatrix.example/devmatrix/api')),
      matches: event => imageOf(event).endsWith(`:9.0.${at}`),
    }),
  };
  await delays('real control plane', { cluster, collection: where, chromium, portal, all });
  await portal.stop();
}

async function delays(title, { cluster, collection, chromium, portal, all }) {
  for (const [what, step] of Object.entries(all)) {
    const samples = await follow(chromium, portal, { at: '/', cluster, collection, times: CHANGES, step });
    const over = samples.map(sample => sample.over_watch ?? Infinity);
    results[`changes, ${title}, ${what}`] = samples;
    const label = `change of ${what} to the cell, over a raw watch, ${title}`;
    const beside = what === 'replicas' ? 'Headlamp 136 / 193 ms' : '';
    figures.add(`${label}, median of ${samples.length}`, quantile(over, 0.5), 'ms', { most: 30 }, beside);
    figures.add(`${label}, p95`, quantile(over, 0.95), 'ms', { most: 60 });
    await pause(3000);
  }
}

/** From the process to a page that shows every cluster, and what the lists alone take. */
async function starts({ portal, clusters }) {
  const took = [], lists = [];
  for (let at = 0; at < STARTS; at++) {
    await portal.stop();
    const from = performance.now();
    await portal.start();
    await portal.good(3 * COMPONENTS);
    took.push(performance.now() - from);
    await pause(500);
    lists.push(await listed(Object.values(clusters), ['team-a']));
  }
  results.start = { took, lists };
  figures.add('process to a good page', median(took), 'ms', { most: 100 + median(lists) }, `goal: 100 ms and the clusters' own lists (${Math.round(median(lists))} ms); Headlamp 100 ms, then 1.6 s in the browser; Backstage 6,600 ms`);
}

async function listed(clusters, namespaces) {
  const kinds = ['apis/apps/v1/D/deployments', 'apis/apps/v1/D/statefulsets', 'apis/apps/v1/D/daemonsets', 'apis/apps/v1/D/replicasets', 'apis/apps/v1/D/controllerrevisions', 'api/v1/D/pods'];
  const from = performance.now();
  await Promise.all(clusters.flatMap(cluster => namespaces.flatMap(namespace => kinds.map(kind => cluster.send('GET', `/${kind.replace('D', `namespaces/${namespace}`)}`)))));
  return performance.now() - from;
}

/** Two thousand Deployments and four thousand pods, in twenty namespaces, held and live. */
async function memory(chromium) {
  const TEAMS = 20, { child, urls } = await simulated({ load: '2000x2' }), cluster = new Cluster({ url: urls.load });
  const namespaces = Array.from({ length: TEAMS }, (_, at) => `team-${String.fromCharCode(97 + at)}`);
  const portal = new Portal('load', folder => configuration({
    clusters: [{ name: 'load', provider: 'eks', region: 'us-east-1', kubeconfig: { path: kubeconfig(folder, 'load', urls.load) } }],
    environments: namespaces.map(name => ({ name, title: name, cluster: 'load', namespace: name })),
    components: namespaces.map((_, at) => component(at * 100)),
  }));
  const from = performance.now();
  await portal.start();
  await portal.signIn();
  let held = { deployments: 0, pods: 0 };
  while ((held = await counted(portal, namespaces)).deployments < 2000 || held.pods < 2 * TEAMS) {
    if (performance.now() - from > 120_000) throw new Error(`after two minutes the portal holds ${JSON.stringify(held)}`);
    await pause(10);
  }
  const took = performance.now() - from;
  await pause(5000);
  const name = deployment(0), samples = await follow(chromium, portal, {
    at: '/', cluster, collection: deployments('team-a'), times: 10,
    step: at => ({
      selector: `#cell-${name}-team-a .mx-ready`, text: `/${at % 2 ? 2 : 3}`, change: () => cluster.send('PATCH', `${deployments('team-a')}/${name}`, { spec: { replicas: at % 2 ? 2 : 3 } }),
      matches: event => event.object.metadata.name === name && event.object.spec.replicas === (at % 2 ? 2 : 3),
    }),
  });
  const memory = portal.memory(), lists = await listed([cluster], namespaces);
  results.memory = { held, took, lists, memory, samples };
  const parts = `${Math.round(memory.anonymous)} anonymous, ${Math.round(memory.file)} of files, peak ${Math.round(memory.peak)}`;
  figures.add('resident, 2,000 Deployments and 4,000 pods, live', memory.resident, 'MB', { most: 59.9 }, `${parts}; Headlamp 58 MB without state; Backstage 539 MB`);
  figures.add('process to all of them held', took, 'ms', null, `with signing in and the bench's polls; the lists alone ${Math.round(lists)} ms`);
  figures.add('change to the cell among them, median of 10', median(samples.map(sample => sample.over_watch)), 'ms', null, 'over a raw watch');
  await portal.stop();
  await end(child);
}

async function counted(portal, namespaces) {
  const held = { deployments: 0, pods: 0 };
  for (const [at, name] of namespaces.entries()) {
    const { body } = await portal.page(`/api/v1/environments/${name}`), view = JSON.parse(body);
    held.deployments += (view.undeclared?.length ?? 0) + (view.components ?? []).filter(one => one.cell.state !== 'absent' && one.cell.desired > 0).length;
    const own = JSON.parse((await portal.page(`/api/v1/components/${deployment(at * 100)}`)).body);
    held.pods += (own.environments ?? []).reduce((sum, here) => sum + here.pods.length, 0);
  }
  return held;
}

/** One Deployment of 4,000 pods: the worst are listed, all are on its pages, and the list is live. */
async function pods(chromium) {
  const PODS = 4000, ON_A_PAGE = 200, { child, urls } = await simulated({ big: `1x${PODS}` }), cluster = new Cluster({ url: urls.big }), name = deployment(0);
  const portal = new Portal('big', folder => configuration({
    clusters: [{ name: 'big', provider: 'gke', kubeconfig: { path: kubeconfig(folder, 'big', urls.big) } }],
    environments: [{ name: 'prod', title: 'Production', cluster: 'big', namespace: 'team-a' }], components: [component(0)],
  }));
  await portal.start();
  await portal.signIn();
  await portal.good(1);
  const at = `/components/${name}`, rows = '[data-testid=pods] tbody tr';
  const seen = await visit(chromium, portal.url + at, { cookie: portal.cookie, ready: rows, count: ON_A_PAGE, alive: '[data-live=live]' });
  const listed = new Set();
  for (let number = 1; number <= PODS / ON_A_PAGE; number++) {
    const { body } = await portal.page(`${at}?environment=prod&page=${number}`), table = body.slice(body.indexOf('data-testid="pods"'));
    for (const [, pod] of table.slice(0, table.indexOf('</table>')).matchAll(/<tr data-key="([^"]+)"/g)) listed.add(pod);
  }
  const collection = '/api/v1/namespaces/team-a/pods';
  const samples = await follow(chromium, portal, {
    at, cluster, collection, times: 5, rest: 3000,
    step: async (at, page) => {
      const pod = await page.locator(rows).nth(at * 7).getAttribute('data-key');
      const change = () => cluster.send('DELETE', `${collection}/${pod}`);
      return { selector: `${rows}[data-key="${pod}"]`, text: 'Terminating', gone: true, change, matches: event => event.object.metadata.name === pod };
    },
  });
  const shown = samples.map(sample => sample.over_watch), memory = portal.memory();
  results.pods = { seen, samples, memory };
  figures.add('a list of 4,000 pods: rows on its pages', shown.includes(null) || !seen.ready ? 0 : listed.size, '', { least: PODS }, 'live, 200 on a page, the worst first; Headlamp shows 1,000 and is not live then');
  figures.add('the same, first visit: the last row of the first page is there', seen.ready, 'ms', null, `${Math.round(seen.bytes / 1000)} kB, blocked ${Math.round(seen.blocked)} ms, heap ${(seen.heap / 1e6).toFixed(1)} MB; portal ${Math.round(memory.resident)} MB`);
  figures.add('the same, a deleted pod to its row, median of 5', median(shown), 'ms', null, 'over a raw watch');
  await portal.stop();
  await end(child);
}

const PARTS = ['http', 'paint', 'live', 'starts', 'memory', 'pods', 'scale', 'real', 'approve', 'changes'];

async function main(wanted) {
  const unknown = wanted.filter(part => !PARTS.includes(part));
  if (unknown.length) throw new Error(`no part ${unknown.join(', ')}; there are: ${PARTS.join(' ')}`);
  const does = part => !wanted.length || wanted.includes(part);
  say('building its helpers');
  build();
  const others = await noise();
  if (others > QUIET) figures.note(`The machine was not quiet: before the first figure others used ${Math.round(others * 100)} % of its cores.`);
  const chromium = await browser();
  // What fails is told, and the rest is measured all the same.
  const measure = async (part, run) => {
    say(part);
    try { await run(); } catch (error) {
      say(error.stack);
      figures.note(`Not measured: ${part}, because of ${error.message.split('\n')[0]}`);
    }
  };
  try {
    Object.assign(results, { date: new Date().toISOString(), chromium: chromium.version(), cores: os.cpus().length, cpu: os.cpus()[0]?.model, others });
    if (['http', 'paint', 'live', 'starts'].some(does)) {
      say('a portal of 50 components in 3 environments');
      const stage = await home();
      for (const [part, run] of Object.entries({ http, paint, live, starts })) if (does(part)) await measure(part, () => run(stage, chromium));
      await stage.portal.stop();
      await end(stage.child);
    }
    for (const [part, run] of Object.entries({ memory, pods, scale: chromium => scale(chromium, { figures, results, say, component }), real, approve: () => approve({ figures, results, component }), changes: () => changes({ figures, results, component }) })) if (does(part)) await measure(part, () => run(chromium));
  } finally { await chromium.close(); }
  const directory = path.join(root, 'end2end/results');
  fs.mkdirSync(directory, { recursive: true });
  fs.writeFileSync(path.join(directory, 'bench.json'), JSON.stringify({ figures: figures.rows, notes: figures.notes, ...results }, null, 1));
  console.log(figures.table());
  const missed = figures.missed().length;
  console.log(`\n${missed ? `${missed} of ${figures.rows.filter(row => row.goal).length} goals missed` : 'All goals met'}; everything measured is in end2end/results/bench.json`);
}

for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => endAll().finally(() => process.exit(130)));
try {
  await main(process.argv.slice(2));
} catch (error) {
  say(error.stack);
  process.exitCode = 1;
} finally { await endAll(); }
