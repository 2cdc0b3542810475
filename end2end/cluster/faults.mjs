// The portal on a real Kubernetes control plane with a fault proxy before its API server: whatever becomes of an answer or a watch,
// there is one effective write for each change, and what is shown comes back to what kubectl says.
//   cargo build -p sim --example fault_proxy && node end2end/cluster/faults.mjs
// Production is read and written through `kubectl proxy` and the fault proxy, with the credentials of the portal; staging directly.
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import readline from 'node:readline';
import { after, before, test } from 'node:test';
import { chromium } from 'playwright-core';
import { Portal, binary, configuration, eventually, freePort, root, stopWhenInterrupted } from './portal.mjs';

const names = { staging: 'devmatrix-staging', prod: 'devmatrix' };
const script = path.join(root, 'end2end/controlplane/controlplane');
const example = path.join(root, 'target/debug/examples/fault_proxy');
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'devmatrix-faults-'));
const plane = path.join(folder, 'plane');
const repository = 'registry.devmatrix.example/devmatrix/api';
const children = [];
/** None: the journey in the browser is reported as skipped, by name. */
const browserPath = [process.env.CHROMIUM, '/usr/bin/chromium', '/usr/bin/chromium-browser'].filter(Boolean).find(file => fs.existsSync(file));

const kubectl = (...args) => execFileSync(script, ['kubectl', plane, ...args], { encoding: 'utf8' });
const deployment = () => JSON.parse(kubectl('-n', names.prod, 'get', 'deployment', 'devmatrix-api', '-o', 'json'));
const setImage = (namespace, tag) => kubectl('-n', namespace, 'set', 'image', 'deployment/devmatrix-api', `api=${repository}:${tag}`);
const writes = () => execFileSync(script, ['writes', plane, `${names.prod}/devmatrix-api`], { encoding: 'utf8' }).split('\n').filter(Boolean).length;

/** A process whose first line tells that it is ready, and a way to wait for its next line. */
function child(command, args) {
  const process = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  children.push(process);
  const lines = readline.createInterface({ input: process.stdout })[Symbol.asyncIterator]();
  return { process, line: async () => (await lines.next()).value };
}

let portal, proxy;
/** One order of the fault proxy's script; what it answers. */
async function order(words) {
  proxy.process.stdin.write(`${words}\n`);
  const answer = await proxy.line();
  assert.ok(!answer.startsWith('error'), `${words}: ${answer}`);
  return answer;
}

before(async () => {
  assert.ok(binary, 'there is no devmatrix binary: run `make build`');
  assert.ok(fs.existsSync(example), 'there is no fault proxy: run `cargo build -p sim --example fault_proxy`');
  stopWhenInterrupted(script, plane);
  execFileSync(script, ['start', plane], { stdio: ['ignore', 'ignore', 'inherit'] });
  const own = path.join(plane, 'portal.kubeconfig'), port = await freePort();
  const plain = child(path.join(root, 'end2end/controlplane/bin/kubectl'), ['proxy', '--kubeconfig', own, '--port', port]);
  assert.match(await plain.line(), /Starting to serve/);
  proxy = child(example, [`127.0.0.1:${port}`, '127.0.0.1:0']);
  const at = (await proxy.line()).replace('ready ', '');
  const through = path.join(folder, 'through.kubeconfig');
  fs.writeFileSync(through, JSON.stringify({
    apiVersion: 'v1', kind: 'Config', 'current-context': 'through',
    clusters: [{ name: 'through', cluster: { server: `http://${at}` } }],
    contexts: [{ name: 'through', context: { cluster: 'through', user: 'none' } }], users: [{ name: 'none', user: {} }],
  }));
  const text = configuration(own, names).replace(`east, provider: kubeconfig, kubeconfig: {path: ${own}}`, `east, provider: kubeconfig, kubeconfig: {path: ${through}}`);
  assert.ok(text.includes(through));
  portal = new Portal(folder, text);
  await portal.start();
  await shows('staging', '1.43.1');
  await shows('prod', '1.42.3');
});
after(async () => {
  await portal?.stop();
  children.forEach(process => process.kill());
  execFileSync(script, ['stop', plane], { stdio: 'ignore' });
  fs.rmSync(folder, { recursive: true, force: true });
});

const shows = (environment, tag) => eventually(`${environment} shows ${tag}, healthy and recorded`, async () => {
  const cell = await portal.cell(environment);
  const records = (await portal.as('bea', 'GET', `/api/v1/components/api/deployments?environment=${environment}`)).body.items;
  return cell.state === 'healthy' && cell.tag === tag && records[0]?.revision === cell.revision && cell;
}, 90);

const WRITES = [
  ['the connection is cut after it was applied', 'applied-then-reset'],
  ['a proxy answers 504 after it was applied', 'applied-then-504'],
  ['the answer breaks off', 'truncated'],
  ['somebody else\'s page is answered, and nothing is done', 'foreign-page'],
  ['the connection is cut before anything is done', 'reset'],
  ['the server has no time', '503'],
];
for (const [at, [what, fault]] of WRITES.entries()) {
  test(`a write: ${what}: one effective write`, async () => {
    const tag = `1.60.${at}`;
    setImage(names.staging, tag);
    await shows('staging', tag);
    const before = writes();
    const { body: change, status } = await portal.as('bea', 'POST', '/api/v1/changes', { kind: 'promote', component: 'api', environment: 'prod', from: 'staging', reason: what });
    assert.equal(status, 201, JSON.stringify(change));
    await order(`fail patch deployments ${fault} 1`);
    await portal.as('dmitri', 'POST', `/api/v1/changes/${change.id}/approve`, { digest: change.plan.digest });
    const ended = await portal.ended(change.id, 120);
    assert.equal(ended.state, 'succeeded', JSON.stringify(ended.outcome));
    assert.equal(await order('pending'), 'pending 0', 'the fault happened');
    assert.equal(writes() - before, 1, 'effective writes by the audit log');
    assert.equal(deployment().spec.template.spec.containers[0].image, change.plan.to.image);
    await shows('prod', tag);
  });
}

test('watches that tell twice, backwards, break or expire: the view comes to what kubectl says', async () => {
  let release = 0;
  for (const words of [['twist duplicate'], ['twist reverse'], ['twist none', 'drop-watches'], ['expire-watches'], ['fail list * truncated 4', 'expire-watches']]) {
    for (const word of words) await order(word);
    const tag = `1.70.${release++}`;
    setImage(names.prod, tag);
    const cell = await shows('prod', tag);
    const { metadata } = deployment();
    assert.equal(String(cell.revision), metadata.annotations['deployment.kubernetes.io/revision'], words.join(', '));
  }
  await order('clear');
});

test('a dead cluster dims its column live, and no other one; it comes back without a reload', { skip: !browserPath && 'not run: there is no Chromium' }, async () => {
  const browser = await chromium.launch({ executablePath: browserPath, args: ['--no-sandbox', '--disable-gpu'] });
  try {
    const page = await browser.newPage();
    const entered = await page.request.post(`${portal.url}/sign-in`, { form: { token: portal.token('bea'), return_to: '/' }, headers: { origin: portal.url }, maxRedirects: 0 });
    assert.equal(entered.status(), 303);
    await page.goto(`${portal.url}/`);
    await page.locator('[data-live=live]').first().waitFor();
    let loads = 0;
    page.on('framenavigated', () => { loads += 1; });
    const head = name => page.locator(`th[data-env=${name}]`), cell = name => page.locator(`#cell-api-${name}`);
    await order('black-hole on');
    await page.locator('th[data-env=prod][data-reachable=false]').waitFor({ timeout: 60_000 });
    assert.match(await head('prod').innerText(), /Unreachable[^]*last seen/);
    assert.equal(await cell('prod').getAttribute('data-state'), 'unknown');
    assert.equal(await cell('prod').locator('.stale').count(), 1, 'what was last known stays, dimmed');
    assert.match(await cell('prod').innerText(), /1\.70\.4/);
    assert.equal(await head('staging').getAttribute('data-reachable'), 'true');
    assert.equal(await cell('staging').locator('.stale').count(), 0);
    setImage(names.staging, '1.79.0');
    await cell('staging').getByText('1.79.0').waitFor({ timeout: 60_000 });
    // A promotion into the dark is refused, in words.
    await page.goto(`${portal.url}/changes/new?kind=promote&component=api&environment=prod&from=staging`);
    assert.match(await page.locator('[data-testid=refused]').innerText(), /cannot be reached now/);
    await page.goto(`${portal.url}/`);
    await page.locator('[data-live=live]').first().waitFor();
    loads = 0;
    await order('black-hole off');
    await page.locator('#cell-api-prod[data-state=healthy]').waitFor({ timeout: 90_000 });
    assert.equal(await head('prod').getAttribute('data-reachable'), 'true');
    assert.equal(await cell('prod').locator('.stale').count(), 0);
    assert.equal(loads, 0, 'without a reload');
  } finally { await browser.close(); await order('black-hole off'); }
});

test('a cluster that answers nothing is unknown; the other one is shown as before', async () => {
  await order('black-hole on');
  await eventually('production is unknown', async () => (await portal.cell('prod')).state === 'unknown');
  setImage(names.staging, '1.80.0');
  await shows('staging', '1.80.0');
  assert.equal((await portal.cell('prod')).state, 'unknown');
  assert.equal((await portal.cell('prod')).tag, '1.70.4', 'what was last known stays to be read');
  setImage(names.prod, '1.80.1');
  await order('black-hole off');
  await shows('prod', '1.80.1');
});
