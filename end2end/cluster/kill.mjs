// A portal that is killed while it promotes on a real control plane: once at each place of its journal, and once at a random moment of
// each round. The API server's audit log is the judge: each promotion is one effective write. And one that stands still at each step,
// while somebody edits its target with kubectl: it writes over nobody.
//   cargo build -p server && node end2end/cluster/kill.mjs
// The places exist in debug builds only (crates/engine/src/fault.rs), so it is the debug binary that runs here.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

process.env.DEVMATRIX_BIN = 'target/debug/devmatrix';
const { Portal, binary, configuration, eventually, root, stopWhenInterrupted } = await import('./portal.mjs');

const names = { staging: 'devmatrix-staging', prod: 'devmatrix' };
const script = path.join(root, 'end2end/controlplane/controlplane');
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'devmatrix-kill-'));
const plane = path.join(folder, 'plane');
const source = fs.readFileSync(path.join(root, 'crates/engine/src/fault.rs'), 'utf8');
const points = [...source.slice(source.indexOf('POINTS'), source.indexOf('];')).matchAll(/^ {4}"(.+)",$/gm)].map(match => match[1]);

const kubectl = (...args) => execFileSync(script, ['kubectl', plane, ...args], { encoding: 'utf8' });
const deployment = () => JSON.parse(kubectl('-n', names.prod, 'get', 'deployment', 'devmatrix-api', '-o', 'json'));
const writes = () => execFileSync(script, ['writes', plane, `${names.prod}/devmatrix-api`], { encoding: 'utf8' }).split('\n').filter(Boolean).length;
const release = tag => kubectl('-n', names.staging, 'set', 'image', 'deployment/devmatrix-api', `api=registry.devmatrix.example/devmatrix/api:${tag}`);

let portal, kills = 0;
before(async () => {
  assert.equal(binary, path.join(root, 'target/debug/devmatrix'), 'there is no debug binary: run `cargo build -p server`');
  stopWhenInterrupted(script, plane);
  execFileSync(script, ['start', plane], { stdio: ['ignore', 'ignore', 'inherit'] });
  portal = new Portal(folder, configuration(path.join(plane, 'portal.kubeconfig'), names));
  await portal.start();
});
after(async () => {
  await portal?.stop();
  execFileSync(script, ['stop', plane], { stdio: 'ignore' });
  fs.rmSync(folder, { recursive: true, force: true });
});

/** Started anew, to stand still at this place. */
async function toStandStill(point) {
  await portal.stop('SIGKILL');
  process.env.DEVMATRIX_PAUSE_POINT = point;
  await portal.start().finally(() => delete process.env.DEVMATRIX_PAUSE_POINT);
}
/** Its state in Linux' /proc/PID/stat: stopped by a signal. */
const standsStill = () => fs.readFileSync(`/proc/${portal.process.pid}/stat`, 'utf8').split(') ').at(-1).startsWith('T');
const image = object => object.spec.template.spec.containers[0].image;

/** Starts it again whenever it has died; answers how often it had to. */
async function again(point) {
  if (point) process.env.DEVMATRIX_FAULT_POINT = point; else delete process.env.DEVMATRIX_FAULT_POINT;
  await portal.start().finally(() => delete process.env.DEVMATRIX_FAULT_POINT);
}
/** Until it has an answer, whatever happens to the portal meanwhile. */
const insist = (what, ask) => eventually(what, async () => {
  if (portal.exit !== null) { kills += 1; await again(); }
  return ask().catch(error => { if (portal.exit === null) throw error; return null; });
}, 90);

test('each of the promotions is one effective write, wherever the portal is killed', async () => {
  assert.ok(points.length >= 24, `the places are read from fault.rs: ${points}`);
  for (const [round, point] of points.entries()) {
    const tag = `2.0.${round}`;
    release(tag);
    await eventually(`staging shows ${tag}`, async () => { const cell = await portal.cell('staging'); return cell.state === 'healthy' && cell.tag === tag; });
    await eventually('production is healthy', async () => (await portal.cell('prod')).state === 'healthy');
    const before = writes(), killed = kills;
    await portal.stop('SIGKILL');
    await again(point);
    const body = { kind: 'promote', component: 'api', environment: 'prod', from: 'staging', reason: point };
    const change = await insist('it is asked for', async () => { const answer = await portal.as('bea', 'POST', '/api/v1/changes', body, { 'idempotency-key': tag }); return answer.status === 201 && answer.body; });
    await insist('it is approved', async () => {
      const answer = await portal.as('dmitri', 'POST', `/api/v1/changes/${change.id}/approve`, { digest: change.plan.digest });
      return answer.status === 200 || answer.body.code === 'not_awaiting_approval';
    });
    await sleep(Math.random() * 1500);
    if (portal.exit === null && kills > killed) { await portal.stop('SIGKILL'); }
    const ended = await insist(`it ends (${point})`, async () => { const now = await portal.change(change.id); return now.outcome && now; });
    assert.equal(ended.state, 'succeeded', `${point}: ${JSON.stringify(ended.outcome)}`);
    // The last place is behind the end: it may be met a moment later.
    await eventually(`it died at: ${point}`, async () => kills > killed || portal.exit !== null);
    if (portal.exit !== null) { kills += 1; await again(); }
    assert.equal(writes() - before, 1, `effective writes by the audit log (${point})`);
    assert.equal(deployment().metadata.annotations['portal.devmatrix.io/change'], change.id);
  }
  const open = (await portal.as('bea', 'GET', '/api/v1/changes?state=awaiting_approval,ready,running,observing,stuck')).body.items;
  assert.deepEqual(open, [], 'no change is left without an end');
  console.log(`# ${points.length} promotions, ${kills} kills, ${points.length} effective writes`);
});

/** Where it stands still, and whether its own write is there by then. */
const STEPS = [
  ['after the vote is stored', 0], ['after it is leased', 0], ['after it runs', 0], ['before the intent is stored', 0],
  ['after the intent is stored', 0], ['before the write is sent', 0], ['after the write is answered', 1], ['after the write is noted', 1],
];

test('whoever edits the target with kubectl, at whatever step, is written over by nothing', async () => {
  for (const [round, [point, written]] of STEPS.entries()) {
    const [tag, theirs] = [`3.0.${round}`, `registry.devmatrix.example/devmatrix/api:theirs-${round}`];
    release(tag);
    await toStandStill(point);
    await eventually(`staging shows ${tag}`, async () => { const cell = await portal.cell('staging'); return cell.state === 'healthy' && cell.tag === tag; });
    await eventually('production is healthy', async () => (await portal.cell('prod')).state === 'healthy');
    const before = writes();
    const body = { kind: 'promote', component: 'api', environment: 'prod', from: 'staging', reason: point };
    const { body: change } = await portal.as('bea', 'POST', '/api/v1/changes', body);
    // It stands still before it answers, or soon after.
    const vote = portal.as('dmitri', 'POST', `/api/v1/changes/${change.id}/approve`, { digest: change.plan.digest });
    await eventually(`it stands still ${point}`, standsStill);
    kubectl('-n', names.prod, 'set', 'image', 'deployment/devmatrix-api', `api=${theirs}`);
    portal.process.kill('SIGCONT');
    assert.equal((await vote).status, 200);
    const ended = await portal.ended(change.id);
    assert.equal(ended.state, 'superseded', `${point}: ${JSON.stringify(ended.outcome)}`);
    assert.equal(image(deployment()), theirs, point);
    assert.equal(writes() - before, written, `effective writes by the audit log (${point})`);
  }
  console.log(`# ${STEPS.length} edits with kubectl, none written over`);
});
