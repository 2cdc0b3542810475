// The fence on a real control plane: deploy/kubernetes is applied as it is, with kubectl; then writes as the portal's own account and as
// others, and a portal that signs in as that account. The API server's audit log is the judge.
//   cargo build -p server && scripts/postgres node end2end/cluster/fence.mjs
// Without STORIES_POSTGRES the last test, of two replicas, is not run. The places at which a portal stands still exist in debug builds
// only (crates/engine/src/fault.rs), so it is the debug binary that runs here.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';

process.env.DEVMATRIX_BIN = 'target/debug/devmatrix';
const { Portal, binary, configuration, eventually, root, stopWhenInterrupted } = await import('./portal.mjs');

const names = { staging: 'devmatrix-staging', prod: 'devmatrix' };
const account = 'system:serviceaccount:devmatrix-portal:devmatrix-portal';
const mark = 'portal.devmatrix.io/fence';
const script = path.join(root, 'end2end/controlplane/controlplane');
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'devmatrix-fence-'));
const plane = path.join(folder, 'plane');

/** kubectl as administrator; {ok, out, error}. */
const kubectl = (...args) => {
  const { status, stdout, stderr } = spawnSync(script, ['kubectl', plane, ...args], { encoding: 'utf8' });
  return { ok: status === 0, out: stdout, error: stderr };
};
const good = (...args) => {
  const done = kubectl(...args);
  assert.ok(done.ok, `kubectl ${args.join(' ')}: ${done.error}`);
  return done.out;
};
let token;
const asPortal = (...args) => kubectl('--token', token, ...args);
const object = (kind = 'deployment', name = 'devmatrix-api') => JSON.parse(good('-n', names.prod, 'get', kind, name, '-o', 'json'));
const fenceOf = (kind, name) => object(kind, name).metadata.annotations?.[mark];
/** A write that changes something, with this fence; without one when it is null. */
let count = 0;
const patch = (run, fence, kind = 'deployment', name = 'devmatrix-api', ...more) => run('-n', names.prod, 'patch', kind, name, '--type', 'merge',
  '-p', JSON.stringify({ metadata: { annotations: { ...(fence === null ? {} : { [mark]: String(fence) }), try: String(count += 1) } } }), ...more);
const refused = (done, words) => {
  assert.equal(done.ok, false, 'it was accepted');
  assert.match(done.error, /ValidatingAdmissionPolicy 'devmatrix-portal-fence'/);
  assert.match(done.error, words);
};
const accepted = done => assert.ok(done.ok, done.error);

before(() => {
  assert.equal(binary, path.join(root, 'target/debug/devmatrix'), 'there is no debug binary: run `cargo build -p server`');
  stopWhenInterrupted(script, plane);
  const started = spawnSync(script, ['start', plane], { stdio: ['ignore', 'ignore', 'inherit'] });
  assert.equal(started.status, 0, 'the control plane did not start');
  good('apply', '-f', path.join(root, 'deploy/kubernetes'));
  token = good('-n', 'devmatrix-portal', 'create', 'token', 'devmatrix-portal', '--duration', '1h').trim();
});
after(async () => {
  await portal?.stop();
  spawnSync(script, ['stop', plane], { stdio: 'ignore' });
  fs.rmSync(folder, { recursive: true, force: true });
});
let portal;

test('the account may do what the portal does, where it is bound, and nothing else', () => {
  const may = (...args) => asPortal('auth', 'can-i', ...args).out.trim() === 'yes';
  for (const right of [['patch', 'deployments'], ['patch', 'statefulsets'], ['patch', 'horizontalpodautoscalers'], ['delete', 'pods'], ['patch', 'configmaps'], ['create', 'configmaps'], ['create', 'jobs'], ['get', 'pods', '--subresource=log'], ['watch', 'events']]) {
    assert.ok(may(...right, '-n', names.prod), right.join(' '));
    assert.ok(!may(...right, '-n', 'default'), `${right.join(' ')} where it is not bound`);
  }
  for (const right of [['get', 'secrets'], ['list', 'secrets'], ['create', 'pods', '--subresource=exec'], ['get', 'pods', '--subresource=exec'], ['create', 'deployments'], ['delete', 'deployments'], ['delete', 'configmaps'], ['update', 'configmaps'], ['update', 'deployments'], ['*', '*']]) {
    assert.ok(!may(...right, '-n', names.prod), right.join(' '));
  }
});

test('a lower fence is refused, an equal or higher one is accepted, others are not looked at', async () => {
  // The API server takes a moment to know a new policy.
  await eventually('a write without a fence is refused', () => !patch(asPortal, null).ok, 30);
  refused(patch(asPortal, null), /fence is missing/);
  refused(patch(asPortal, 'ten'), /fence is missing or not a number/);
  accepted(patch(asPortal, 10));
  accepted(patch(asPortal, 10));
  accepted(patch(asPortal, 11));
  refused(patch(asPortal, 10), /fence 10 is lower than that of the last write, 11/);
  refused(patch(asPortal, 9), /is lower than/);
  // Numbers, not texts.
  accepted(patch(asPortal, 100));
  refused(patch(asPortal, 99), /is lower than/);
  assert.equal(fenceOf(), '100');
  accepted(patch(asPortal, 1, undefined, undefined, '--dry-run=server'));
  assert.equal(fenceOf(), '100', 'a dry run stores nothing');

  accepted(patch(kubectl, 3));
  assert.equal(fenceOf(), '3', 'an administrator may write what they like');
  accepted(patch(kubectl, null));
  accepted(patch(asPortal, 3));
  accepted(patch(kubectl, 'not a fence'));
  accepted(patch(asPortal, 4));
  accepted(patch(kubectl, '9'.repeat(18)));
  accepted(patch(asPortal, 5));
});

test('the same holds for everything that the portal writes', () => {
  const labels = { app: 'db' };
  const template = { metadata: { labels }, spec: { containers: [{ name: 'db', image: 'registry.devmatrix.example/db:1' }] } };
  const make = (kind, spec, apiVersion = 'apps/v1') => {
    const file = path.join(folder, `${kind}.json`);
    fs.writeFileSync(file, JSON.stringify({ apiVersion, kind, metadata: { name: 'db', namespace: names.prod }, spec }));
    good('apply', '-f', file);
  };
  make('StatefulSet', { replicas: 1, serviceName: 'db', selector: { matchLabels: labels }, template });
  make('DaemonSet', { selector: { matchLabels: labels }, template });
  make('HorizontalPodAutoscaler', { minReplicas: 1, maxReplicas: 3, scaleTargetRef: { apiVersion: 'apps/v1', kind: 'StatefulSet', name: 'db' } }, 'autoscaling/v2');
  good('-n', names.prod, 'create', 'configmap', 'db', '--from-literal=a=1');
  for (const kind of ['statefulset', 'daemonset', 'horizontalpodautoscaler', 'configmap']) {
    refused(patch(asPortal, null, kind, 'db'), /fence is missing/);
    accepted(patch(asPortal, 7, kind, 'db'));
    refused(patch(asPortal, 6, kind, 'db'), /is lower than/);
    accepted(patch(kubectl, 1, kind, 'db'));
  }
});

const config = () => {
  const file = path.join(folder, 'account.kubeconfig');
  fs.writeFileSync(file, fs.readFileSync(path.join(plane, 'portal.kubeconfig'), 'utf8').replace(/token: .*}/, `token: ${token}}`));
  return configuration(file, names);
};
/** Staging runs it, healthy; production is at rest. */
const released = async (seen, tag) => {
  good('-n', names.staging, 'set', 'image', 'deployment/devmatrix-api', `api=registry.devmatrix.example/devmatrix/api:${tag}`);
  await eventually(`staging shows ${tag}`, async () => { const cell = await seen.cell('staging'); return cell.state === 'healthy' && cell.tag === tag; });
  await eventually('production is at rest', async () => (await seen.cell('prod')).state === 'healthy');
};
const asked = async at => eventually('it is asked for', async () => {
  const answer = await at.as('bea', 'POST', '/api/v1/changes', { kind: 'promote', component: 'api', environment: 'prod', from: 'staging', reason: 'the fence' });
  return answer.status === 201 && answer.body;
});
const writes = () => spawnSync(script, ['writes', plane, `${names.prod}/devmatrix-api`, '--user', account], { encoding: 'utf8' }).stdout.split('\n').filter(Boolean).length;
/** The status codes of the portal's own writes to production so far. */
const answered = () => fs.readFileSync(path.join(plane, 'audit.log'), 'utf8').split('\n').filter(Boolean).map(line => JSON.parse(line))
  .filter(entry => entry.user.username === account && entry.verb === 'patch' && entry.objectRef.name === 'devmatrix-api'
    && entry.requestURI.includes('fieldManager=devmatrix-portal') && !entry.requestURI.includes('dryRun'))
  .map(entry => entry.responseStatus.code);

test('a refusal by fence is read as a lost lease, and the change is carried on with a higher one', async () => {
  portal = new Portal(folder, config());
  await portal.start();
  const promoted = async tag => {
    await released(portal, tag);
    const change = await asked(portal);
    const approved = await portal.as('dmitri', 'POST', `/api/v1/changes/${change.id}/approve`, { digest: change.plan.digest });
    assert.equal(approved.status, 200, JSON.stringify(approved.body));
    const ended = await portal.ended(change.id);
    assert.equal(ended.state, 'succeeded', JSON.stringify(ended.outcome));
    return ended;
  };
  // As after a restored database: the cluster has seen more than this portal ever gave.
  good('-n', names.prod, 'annotate', 'deployment', 'devmatrix-api', `${mark}=5000`, '--overwrite');
  let before = writes();
  const first = await promoted('3.0.0');
  assert.equal(fenceOf(), '5001', 'the sequence goes on above what was seen');
  assert.equal(object().metadata.annotations['portal.devmatrix.io/change'], first.id);
  assert.equal(writes() - before, 1, 'one effective write, by the audit log');
  assert.deepEqual(answered(), [403, 200], 'refused once, then written');

  before = writes();
  await promoted('3.0.1');
  assert.ok(Number(fenceOf()) > 5001);
  assert.equal(writes() - before, 1);
  await portal.stop();
});

test('a replica that stands still before its write, and wakes after another has made it, writes nothing', { skip: !process.env.STORIES_POSTGRES && 'not run: STORIES_POSTGRES names no PostgreSQL (scripts/postgres)' }, async () => {
  process.env.DEVMATRIX_DATABASE_URL = process.env.STORIES_POSTGRES;
  process.env.DEVMATRIX_LEASE_S = '3';
  const replica = async (name, point) => {
    const home = path.join(folder, name);
    fs.mkdirSync(home);
    const made = new Portal(home, config());
    if (point) process.env.DEVMATRIX_PAUSE_POINT = point; else delete process.env.DEVMATRIX_PAUSE_POINT;
    await made.start();
    return made;
  };
  const sleeper = await replica('sleeper', 'before the write is sent');
  let other;
  try {
    await released(sleeper, '3.0.2');
    const change = await asked(sleeper);
    const before = writes(), tries = answered().length;
    // It may stand still before it answers.
    const headers = { authorization: `Bearer ${sleeper.token('dmitri')}`, 'content-type': 'application/json' };
    await fetch(`${sleeper.url}/api/v1/changes/${change.id}/approve`, { method: 'POST', headers, body: JSON.stringify({ digest: change.plan.digest }), signal: AbortSignal.timeout(2000) }).catch(() => {});
    await eventually('it stands still', () => fs.readFileSync(`/proc/${sleeper.process.pid}/stat`, 'utf8').split(')').pop().trim().startsWith('T'));
    assert.equal(writes(), before, 'nothing is written yet');

    other = await replica('other');
    const ended = await other.ended(change.id);
    assert.equal(ended.state, 'succeeded', JSON.stringify(ended.outcome));
    sleeper.process.kill('SIGCONT');
    await eventually('the sleeper has tried', () => answered().length === tries + 3);
    // The database is a new one, so its first fence is lower than what the cluster has seen.
    assert.deepEqual(answered().slice(tries), [403, 200, 409], 'refused by fence, then written, then the sleeper is refused');
    assert.equal(writes() - before, 1, 'one effective write, by the audit log');
    assert.equal((await sleeper.change(change.id)).state, 'succeeded');
    assert.ok(!sleeper.log().includes('ERROR'), sleeper.log());
  } finally {
    sleeper.process.kill('SIGCONT');
    await sleeper.stop();
    await other?.stop();
  }
});
