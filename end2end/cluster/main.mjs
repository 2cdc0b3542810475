// The main job on a real Kubernetes control plane, through the portal's API and with kubectl as the judge: promote with an approval,
// roll back, a release that cannot be pulled, an edit in between, a portal that is killed while it works.
//   node end2end/cluster/main.mjs [--kubeconfig FILE]
// With --kubeconfig: on that cluster, in the namespaces that E2E_STAGING and E2E_PROD name (devmatrix-staging, devmatrix), which
// hold the two Deployments of end2end/controlplane/manifests; the writes are then counted by the object's generation only.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { Portal, binary, configuration, eventually, root, stopWhenInterrupted } from './portal.mjs';

const handedOver = process.argv.includes('--kubeconfig') ? process.argv[process.argv.indexOf('--kubeconfig') + 1] : null;
const names = { staging: process.env.E2E_STAGING ?? 'devmatrix-staging', prod: process.env.E2E_PROD ?? 'devmatrix' };
const script = path.join(root, 'end2end/controlplane/controlplane');
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'devmatrix-cluster-'));
const plane = path.join(folder, 'plane');
const repository = 'registry.devmatrix.example/devmatrix/api';
const digestOf = tag => `sha256:${createHash('sha256').update(`${repository}:${tag}`).digest('hex')}`;

const kubectl = (...args) => handedOver
  ? execFileSync('kubectl', args, { encoding: 'utf8', env: { ...process.env, KUBECONFIG: handedOver } })
  : execFileSync(script, ['kubectl', plane, ...args], { encoding: 'utf8' });
const deployment = namespace => JSON.parse(kubectl('-n', namespace, 'get', 'deployment', 'devmatrix-api', '-o', 'json'));
const image = namespace => deployment(namespace).spec.template.spec.containers[0].image;
const setImage = (namespace, tag) => kubectl('-n', namespace, 'set', 'image', 'deployment/devmatrix-api', `api=${repository}:${tag}`);

/** The portal's effective writes to production so far, by the API server's own audit log. */
const writes = () => {
  const { uid } = deployment(names.prod).metadata;
  const lines = execFileSync(script, ['writes', plane, `${names.prod}/devmatrix-api`], { encoding: 'utf8' }).split('\n').filter(Boolean);
  return lines.map(line => JSON.parse(line)).filter(write => !write.uid || write.uid === uid).length;
};
const countWrites = handedOver ? null : writes;
const wrote = (before, expected) => countWrites && assert.equal(countWrites() - before, expected, 'effective writes by the audit log');

let portal;
before(async () => {
  assert.ok(binary, 'there is no devmatrix binary: run `make build`');
  if (!handedOver) {
    stopWhenInterrupted(script, plane);
    execFileSync(script, ['start', plane], { stdio: ['ignore', 'ignore', 'inherit'] });
  }
  portal = new Portal(folder, configuration(handedOver ?? path.join(plane, 'portal.kubeconfig'), names));
  await portal.start();
  await shows('staging', '1.43.1');
  await shows('prod', '1.42.3');
});
after(async () => {
  await portal?.stop();
  if (!handedOver) execFileSync(script, ['stop', plane], { stdio: 'ignore' });
  fs.rmSync(folder, { recursive: true, force: true });
});

const shows = (environment, tag, seconds) => eventually(`${environment} shows ${tag}, healthy and recorded`, async () => {
  const cell = await portal.cell(environment);
  const records = (await portal.as('bea', 'GET', `/api/v1/components/api/deployments?environment=${environment}`)).body.items;
  return cell.state === 'healthy' && cell.tag === tag && records[0]?.revision === cell.revision && cell;
}, seconds);
const ask = (body, key) => portal.as('bea', 'POST', '/api/v1/changes', body, key ? { 'idempotency-key': key } : {});
const promotion = { kind: 'promote', component: 'api', environment: 'prod', from: 'staging', reason: 'the journey' };
const rollback = to_revision => ({ kind: 'rollback', component: 'api', environment: 'prod', to_revision, reason: 'the journey' });
const approve = (change, user = 'dmitri', digest = change.plan.digest) => portal.as(user, 'POST', `/api/v1/changes/${change.id}/approve`, { digest });

test('a promotion runs exactly the approved digest, with one effective write', async () => {
  const before = countWrites?.() ?? 0;
  const asked = await ask(promotion, 'journey-1');
  assert.equal(asked.status, 201, JSON.stringify(asked.body));
  const change = asked.body;
  assert.equal(change.state, 'awaiting_approval');
  assert.equal((await ask(promotion, 'journey-1')).body.id, change.id, 'the same key is the same change');
  assert.equal((await ask({ ...promotion, reason: 'another' }, 'journey-1')).body.code, 'idempotency_key_reused');
  assert.deepEqual([(await approve(change, 'bea')).status, (await approve(change, 'viv')).status], [403, 403]);
  const wrong = await approve(change, 'dmitri', '0'.repeat(64));
  assert.deepEqual([wrong.status, wrong.body.code], [409, 'plan_changed']);
  wrote(before, 0);

  assert.equal((await approve(change)).status, 200);
  const ended = await portal.ended(change.id);
  assert.equal(ended.state, 'succeeded', JSON.stringify(ended.outcome));
  assert.equal(image(names.prod), change.plan.to.image, 'kubectl agrees with the plan');
  assert.ok(image(names.prod).endsWith(change.plan.to.digest));
  const pods = JSON.parse(kubectl('-n', names.prod, 'get', 'pods', '-l', 'app=devmatrix-api', '-o', 'json')).items.filter(pod => !pod.metadata.deletionTimestamp);
  assert.ok(pods.length >= 3);
  for (const pod of pods) assert.ok(pod.status.containerStatuses[0].imageID.endsWith(change.plan.to.digest), pod.metadata.name);
  assert.match(kubectl('-n', names.prod, 'rollout', 'status', 'deployment/devmatrix-api', '--timeout=5s'), /successfully rolled out/);
  assert.match(kubectl('-n', names.prod, 'rollout', 'history', 'deployment/devmatrix-api'), /CH-1 promote 1\.43\.1 by bea/);
  wrote(before, 1);
});

test('a rollback restores the revision with one effective write, and sets a hold', async () => {
  const before = countWrites?.() ?? 0;
  await shows('prod', '1.43.1');
  const asked = await ask(rollback(1));
  assert.equal(asked.status, 201, JSON.stringify(asked.body));
  assert.equal((await portal.ended(asked.body.id)).state, 'succeeded');
  assert.match(image(names.prod), /:1\.42\.3(@|$)/);
  wrote(before, 1);
  const held = await ask(promotion);
  assert.deepEqual([held.status, held.body.code], [422, 'release_on_hold']);
  const records = (await portal.as('bea', 'GET', '/api/v1/components/api/deployments?environment=prod')).body.items;
  assert.equal(records.filter(record => record.current).length, 1);
  assert.equal(records[0].change, asked.body.id);
});

test('an image that cannot be pulled ends failed with the pod\'s reason', async () => {
  setImage(names.staging, '1.44.0-prodnopull');
  await shows('staging', '1.44.0-prodnopull');
  await shows('prod', '1.42.3');
  const { body: change, status } = await ask(promotion);
  assert.equal(status, 201, JSON.stringify(change));
  assert.equal(change.plan.to.digest, digestOf('1.44.0-prodnopull'), 'the digest that the pods of staging name');
  await approve(change);
  const ended = await portal.ended(change.id);
  assert.equal(ended.state, 'failed', JSON.stringify(ended.outcome));
  assert.equal(ended.outcome.failing_pod.reason, 'ImagePullBackOff');
  assert.match(ended.outcome.failing_pod.message, /Back-off pulling image/);
  assert.equal((await portal.cell('prod')).state, 'degraded', 'the old pods still serve');
  const last = (await portal.as('bea', 'GET', '/api/v1/components/api/deployments?environment=prod')).body.items.find(r => !r.current && r.tag === '1.42.3');
  const back = await ask(rollback(last.revision));
  assert.equal(back.status, 201, JSON.stringify(back.body));
  assert.equal((await portal.ended(back.body.id)).state, 'succeeded');
  await shows('prod', '1.42.3');
});

test('an edit between plan and approval ends superseded with no write', async () => {
  setImage(names.staging, '1.45.0');
  await shows('staging', '1.45.0');
  const before = countWrites?.() ?? 0;
  const { body: change, status } = await ask(promotion);
  assert.equal(status, 201, JSON.stringify(change));
  kubectl('-n', names.prod, 'set', 'env', 'deployment/devmatrix-api', 'EDITED=by-hand');
  await approve(change);
  assert.equal((await portal.ended(change.id)).state, 'superseded');
  wrote(before, 0);
});

test('a portal that is killed while it rolls out goes on after its restart', async () => {
  setImage(names.staging, '1.46.0-slow');
  await shows('staging', '1.46.0-slow', 120);
  await shows('prod', '1.42.3');
  const before = countWrites?.() ?? 0;
  const { body: change, status } = await ask(promotion);
  assert.equal(status, 201, JSON.stringify(change));
  await approve(change);
  await eventually('it rolls out', async () => (await portal.change(change.id)).state === 'observing');
  await portal.stop('SIGKILL');
  await portal.start();
  assert.equal((await portal.ended(change.id, 180)).state, 'succeeded');
  wrote(before, 1);
});

test('bad input is a clear error, and the portal never answers 500', async () => {
  const table = [
    ['POST', '/api/v1/changes', '{"kind": "promote",', 400],
    ['POST', '/api/v1/changes', { ...promotion, component: 'nope' }, 404],
    ['POST', '/api/v1/changes', { ...promotion, environment: 'moon' }, 404],
    ['POST', '/api/v1/changes', { ...promotion, component: 7 }, 400],
    ['POST', '/api/v1/changes', rollback(99), 422],
    ['POST', '/api/v1/changes', rollback('two'), 400],
    ['GET', '/api/v1/changes/CH-999', undefined, 404],
  ];
  for (const [method, url, body, status] of table) {
    const answer = await portal.as('bea', method, url, body);
    assert.equal(answer.status, status, `${method} ${url} ${JSON.stringify(body)}: ${JSON.stringify(answer.body)}`);
    assert.match(answer.headers.get('content-type'), /application\/problem\+json/);
    assert.ok(answer.body.code && answer.body.detail, JSON.stringify(answer.body));
  }
  assert.doesNotMatch(portal.log(), /panicked|an unexpected failure/);
});

test('check --clusters finds all rights there, and names those that are missing with roles that grant them', { skip: handedOver ? 'it makes roles of its own' : false }, async () => {
  const check = config => spawnSync(binary, ['check', '--clusters', '--config', config], { encoding: 'utf8' });
  const good = check(portal.config);
  assert.equal(good.status, 0, good.stdout + good.stderr);
  assert.match(good.stdout, /west: portal has all \d+ rights\./);

  const unbound = path.join(folder, 'unbound.yaml');
  fs.writeFileSync(unbound, fs.readFileSync(portal.config, 'utf8').replace(`namespace: ${names.staging}`, 'namespace: default'));
  const lacking = check(unbound);
  assert.equal(lacking.status, 1, lacking.stdout);
  assert.match(lacking.stdout, /list pods in namespace default/);
  assert.match(lacking.stderr, /Cluster west: the portal lacks \d+ rights there\./);
  const roles = lacking.stdout.slice(lacking.stdout.indexOf('# What would grant them'));
  const file = path.join(folder, 'roles.yaml');
  fs.writeFileSync(file, roles.slice(0, roles.search(/^east: /m) > 0 ? roles.search(/^east: /m) : undefined));
  kubectl('apply', '-f', file);
  const mended = check(unbound);
  assert.equal(mended.status, 0, mended.stdout + mended.stderr);
});

test('a restart and a scale are one effective write each; somebody else\'s edit afterwards is said', async () => {
  await shows('prod', (await portal.cell('prod')).tag);
  for (const body of [{ kind: 'restart' }, { kind: 'scale', replicas: 4 }]) {
    const before = countWrites?.() ?? 0;
    const asked = await ask({ component: 'api', environment: 'prod', reason: 'the journey', ...body });
    assert.equal(asked.status, 201, JSON.stringify(asked.body));
    assert.equal((await approve(asked.body)).status, 200);
    assert.equal((await portal.ended(asked.body.id)).state, 'succeeded');
    wrote(before, 1);
  }
  assert.equal(deployment(names.prod).status.readyReplicas, 4);
  // Not `kubectl scale`: of an edit through the scale subresource the API server does not note the time.
  kubectl('-n', names.prod, 'patch', 'deployment/devmatrix-api', '--type=merge', '-p', '{"spec":{"replicas":3}}');
  const edited = await eventually('the edit is said', async () => { const { edited } = await portal.cell('prod'); return edited?.after_ours && edited; });
  assert.deepEqual([edited.by, edited.fields], ['kubectl-patch', ['replicas']]);
  kubectl('-n', names.prod, 'rollout', 'status', 'deployment/devmatrix-api', '--timeout=60s');
});

test('what an autoscaler owns gets other bounds, and the number follows', { skip: handedOver ? 'it makes an autoscaler' : false }, async () => {
  const hpa = () => JSON.parse(kubectl('-n', names.prod, 'get', 'hpa', 'devmatrix-api', '-o', 'json'));
  kubectl('-n', names.prod, 'autoscale', 'deployment/devmatrix-api', '--min=3', '--max=10');
  try {
    const wanted = { kind: 'autoscale', component: 'api', environment: 'prod', min: 4, max: 12, reason: 'the journey' };
    const asked = await eventually('the autoscaler is seen', async () => { const answer = await ask(wanted); return answer.status === 201 && answer; });
    assert.equal((await ask({ kind: 'scale', component: 'api', environment: 'prod', replicas: 6, reason: 'x' })).body.code, 'scaled_by_autoscaler');
    assert.equal(hpa().spec.maxReplicas, 10, 'the dry run stores nothing');
    assert.equal((await approve(asked.body)).status, 200);
    const ended = await portal.ended(asked.body.id);
    assert.equal(ended.state, 'succeeded', JSON.stringify(ended.outcome));
    const { spec, metadata } = hpa();
    assert.deepEqual([spec.minReplicas, spec.maxReplicas, metadata.annotations['portal.devmatrix.io/change']], [4, 12, asked.body.id]);
    assert.deepEqual([deployment(names.prod).spec.replicas, deployment(names.prod).status.readyReplicas], [4, 4]);
  } finally { kubectl('-n', names.prod, 'delete', 'hpa', 'devmatrix-api', '--ignore-not-found'); }
  kubectl('-n', names.prod, 'patch', 'deployment/devmatrix-api', '--type=merge', '-p', '{"spec":{"replicas":3}}');
  kubectl('-n', names.prod, 'rollout', 'status', 'deployment/devmatrix-api', '--timeout=60s');
});

test('a quota that refuses the pods of a rollout ends it with the controller\'s words, for a Deployment and a StatefulSet', { skip: handedOver ? 'it makes a quota' : false }, async () => {
  const set = JSON.stringify({
    apiVersion: 'apps/v1', kind: 'StatefulSet', metadata: { name: 'db', namespace: names.prod },
    spec: {
      replicas: 2, serviceName: 'db', selector: { matchLabels: { app: 'db' } },
      template: { metadata: { labels: { app: 'db' } }, spec: { containers: [{ name: 'db', image: 'registry.devmatrix.example/mirror/db:1.0' }] } },
    },
  });
  const file = path.join(folder, 'quota-db.json');
  fs.writeFileSync(file, set);
  const cells = async () => (await portal.as('bea', 'GET', '/api/v1/matrix')).body.components.map(row => row.cells.prod.state);
  try {
    kubectl('apply', '-f', file);
    await eventually('both are healthy', async () => (await cells()).every(state => state === 'healthy'));
    // The pods that are there stay; not one more may come.
    kubectl('-n', names.prod, 'create', 'quota', 'none', '--hard=pods=0');
    await eventually('the quota is counted', async () => JSON.parse(kubectl('-n', names.prod, 'get', 'quota', 'none', '-o', 'json')).status?.hard?.pods === '0');
    for (const component of ['api', 'db']) {
      const asked = await ask({ kind: 'restart', component, environment: 'prod', reason: 'the journey' });
      assert.equal(asked.status, 201, JSON.stringify(asked.body));
      assert.equal((await approve(asked.body)).status, 200);
      const ended = await portal.ended(asked.body.id);
      assert.equal(ended.state, 'failed', JSON.stringify(ended.outcome));
      assert.match(ended.outcome.reason, /exceeded quota: none/, component);
    }
  } finally {
    kubectl('-n', names.prod, 'delete', 'quota', 'none', '--ignore-not-found');
    kubectl('-n', names.prod, 'delete', 'statefulset', 'db', '--ignore-not-found');
  }
  // The ReplicaSet that was refused tries again ever more rarely: another one begins at once.
  kubectl('-n', names.prod, 'rollout', 'restart', 'deployment/devmatrix-api');
  kubectl('-n', names.prod, 'rollout', 'status', 'deployment/devmatrix-api', '--timeout=120s');
});

test('a StatefulSet that is held up by a broken pod goes on when that pod is deleted, once, after a vote', async () => {
  const manifest = tag => JSON.stringify({
    apiVersion: 'apps/v1', kind: 'StatefulSet', metadata: { name: 'db', namespace: names.prod },
    spec: {
      replicas: 2, serviceName: 'db', selector: { matchLabels: { app: 'db' } },
      template: { metadata: { labels: { app: 'db' } }, spec: { containers: [{ name: 'db', image: `registry.devmatrix.example/mirror/db:${tag}` }] } },
    },
  });
  const apply = tag => { const file = path.join(folder, 'db.json'); fs.writeFileSync(file, manifest(tag)); kubectl('apply', '-f', file); };
  const cell = async () => (await portal.as('bea', 'GET', '/api/v1/matrix')).body.components.find(row => row.name === 'db').cells.prod;
  const uid = () => kubectl('-n', names.prod, 'get', 'pod', 'db-1', '-o', 'jsonpath={.metadata.uid}');
  const deletions = () => handedOver ? [] : fs.readFileSync(path.join(plane, 'audit.log'), 'utf8').split('\n').filter(Boolean).map(line => JSON.parse(line))
    .filter(event => event.user.username === 'portal' && event.verb === 'delete' && event.objectRef.resource === 'pods' && event.stage === 'ResponseComplete');
  try {
    apply('1.0');
    await eventually('the set is healthy', async () => (await cell()).state === 'healthy');
    apply('1.1-nopull');
    await eventually('the bad pod says why', async () => (await cell()).failing_pod?.reason === 'ImagePullBackOff');
    apply('1.2');
    const { blocker } = await eventually('it is said what holds the set up', async () => { const seen = await cell(); return seen.blocker && seen; });
    assert.equal(blocker.pod, 'db-1');
    const broken = uid();
    const wanted = { kind: 'unblock', component: 'db', environment: 'prod', reason: 'the journey' };
    assert.equal((await ask({ ...wanted, pod: 'db-0' })).body.code, 'not_blocked');
    const asked = await ask({ ...wanted, pod: 'db-1' });
    assert.equal(asked.status, 201, JSON.stringify(asked.body));
    assert.equal(uid(), broken, 'the dry run deletes nothing');
    assert.equal((await approve(asked.body)).status, 200);
    const ended = await portal.ended(asked.body.id);
    assert.equal(ended.state, 'succeeded', JSON.stringify(ended.outcome));
    assert.match(kubectl('-n', names.prod, 'rollout', 'status', 'statefulset/db', '--timeout=60s'), /rolling update complete|partitioned roll out complete/);
    assert.notEqual(uid(), broken);
    if (!handedOver) assert.deepEqual(deletions().map(event => [event.objectRef.name, event.requestObject.dryRun ?? 'for real']), [['db-1', ['All']], ['db-1', 'for real']]);
    assert.equal((await cell()).blocker, null);
  } finally { kubectl('-n', names.prod, 'delete', 'statefulset', 'db', '--ignore-not-found'); }
});

test('a rollback brings the ConfigMaps of its revision back before the workload, each once', async () => {
  const manifests = (tag, data) => JSON.stringify({ apiVersion: 'v1', kind: 'List', items: [
    { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'db-config', namespace: names.prod }, data },
    { apiVersion: 'apps/v1', kind: 'StatefulSet', metadata: { name: 'db', namespace: names.prod }, spec: {
      replicas: 1, serviceName: 'db', selector: { matchLabels: { app: 'db' } }, template: { metadata: { labels: { app: 'db' } }, spec: { containers: [
        { name: 'db', image: `registry.devmatrix.example/mirror/db:${tag}`, envFrom: [{ configMapRef: { name: 'db-config' } }, { configMapRef: { name: 'db-extra' } }] }] } } } },
  ] });
  const apply = (tag, data) => { const file = path.join(folder, 'db.json'); fs.writeFileSync(file, manifests(tag, data)); kubectl('apply', '-f', file); };
  const map = name => JSON.parse(kubectl('-n', names.prod, 'get', 'configmap', name, '-o', 'json'));
  const recorded = tag => eventually(`${tag} is recorded, and healthy`, async () => {
    const records = (await portal.as('bea', 'GET', '/api/v1/components/db/deployments?environment=prod')).body.items;
    const row = (await portal.as('bea', 'GET', '/api/v1/matrix')).body.components.find(one => one.name === 'db').cells.prod;
    return row.state === 'healthy' && row.tag === tag && records.find(record => record.tag === tag && record.current);
  });
  const writes = () => handedOver ? [] : fs.readFileSync(path.join(plane, 'audit.log'), 'utf8').split('\n').filter(Boolean).map(line => JSON.parse(line))
    .filter(event => event.user.username === 'portal' && ['create', 'patch'].includes(event.verb) && event.stage === 'ResponseComplete'
      && /^db/.test(event.objectRef.name ?? event.responseObject?.metadata?.name ?? event.requestObject?.metadata?.name ?? '') && !event.requestURI.includes('dryRun=All') && event.responseStatus.code < 300);
  try {
    kubectl('-n', names.prod, 'create', 'configmap', 'db-extra', '--from-literal=x=1');
    apply('1.0', { LOG: 'info', LIMIT: '10' });
    const good = await recorded('1.0');
    apply('1.1', { LOG: 'debug', LIMIT: '10', SINCE: 'x' });
    kubectl('-n', names.prod, 'delete', 'configmap', 'db-extra');
    await recorded('1.1');
    const asked = await ask({ kind: 'rollback', component: 'db', environment: 'prod', to_revision: good.revision, restore_config: true, reason: 'the journey' });
    assert.equal(asked.status, 201, JSON.stringify(asked.body));
    assert.deepEqual(asked.body.plan.config.map(({ name, made_anew }) => [name, made_anew]), [['db-config', false], ['db-extra', true]]);
    const ended = await portal.ended(asked.body.id);
    assert.equal(ended.state, 'succeeded', JSON.stringify(ended.outcome));
    assert.deepEqual([map('db-config').data, map('db-extra').data], [{ LIMIT: '10', LOG: 'info' }, { x: '1' }]);
    assert.equal(map('db-config').metadata.annotations['portal.devmatrix.io/change'], asked.body.id);
    await recorded('1.0');
    if (!handedOver) assert.deepEqual(writes().slice(-3).map(event => `${event.verb} ${event.objectRef.resource}`), ['patch configmaps', 'create configmaps', 'patch statefulsets']);
  } finally { kubectl('-n', names.prod, 'delete', 'statefulset/db', 'configmap/db-config', 'configmap/db-extra', '--ignore-not-found'); }
});

test('a Job is run from a CronJob once, as the plan showed it, and told of to its end', async () => {
  const cron = { apiVersion: 'batch/v1', kind: 'CronJob', metadata: { name: 'backup', namespace: names.prod }, spec: {
    schedule: '0 2 1 1 *', suspend: true, jobTemplate: { metadata: { labels: { app: 'backup' } }, spec: { ttlSecondsAfterFinished: 1, template: {
      spec: { restartPolicy: 'Never', containers: [{ name: 'backup', image: 'registry.devmatrix.example/mirror/backup:1.0' }] } } } } } };
  const file = path.join(folder, 'cron.json');
  const jobs = () => JSON.parse(kubectl('-n', names.prod, 'get', 'jobs', '-o', 'json')).items.filter(job => job.metadata.name.startsWith('backup-'));
  const creations = () => handedOver ? [] : fs.readFileSync(path.join(plane, 'audit.log'), 'utf8').split('\n').filter(Boolean).map(line => JSON.parse(line))
    .filter(event => event.user.username === 'portal' && event.verb === 'create' && event.objectRef.resource === 'jobs' && event.stage === 'ResponseComplete');
  const wanted = { kind: 'run_job', environment: 'prod', cron_job: 'backup', reason: 'the journey' };
  try {
    assert.equal((await ask(wanted)).body.code, 'cron_job_missing');
    fs.writeFileSync(file, JSON.stringify(cron));
    kubectl('apply', '-f', file);
    const asked = await ask(wanted);
    assert.equal(asked.status, 201, JSON.stringify(asked.body));
    assert.match(asked.body.plan.diff, /\+kind: Job/);
    assert.ok(asked.body.plan.gates.some(gate => gate.name === 'suspended' && gate.state === 'warn'));
    assert.deepEqual(jobs(), [], 'the dry run makes nothing');
    assert.equal((await approve(asked.body)).status, 200);
    const ended = await portal.ended(asked.body.id);
    assert.equal(ended.state, 'succeeded', JSON.stringify(ended.outcome));
    const [job, ...others] = jobs();
    assert.deepEqual(others, []);
    assert.equal(job.metadata.annotations['portal.devmatrix.io/change'], asked.body.id);
    assert.equal(job.spec.ttlSecondsAfterFinished, 86_400, 'it stays to be found');
    assert.deepEqual(job.status.conditions.filter(one => one.status === 'True').map(one => one.type).includes('Complete'), true);
    if (!handedOver) {
      const sent = creations().filter(event => event.responseStatus.code === 201);
      assert.deepEqual(sent.map(event => event.requestURI.includes('dryRun=All')), [true, false], 'one dry run, one Job');
    }
    // What was planned is run, or nothing: the template is another one by now.
    const edited = await ask(wanted);
    kubectl('-n', names.prod, 'patch', 'cronjob', 'backup', '-p', JSON.stringify({ spec: { jobTemplate: { spec: { backoffLimit: 1 } } } }));
    assert.equal((await approve(edited.body)).status, 200);
    assert.equal((await portal.ended(edited.body.id)).state, 'superseded');
    assert.equal(jobs().length, 1);
  } finally { kubectl('-n', names.prod, 'delete', 'cronjob', 'backup', '--ignore-not-found'); }
});

test('pods and ReplicaSets that no workload made are listed, and a pod that was taken out of its ReplicaSet counts no longer', async () => {
  const bare = async () => (await portal.as('bea', 'GET', '/api/v1/environments/prod')).body.inventory;
  const image = 'registry.devmatrix.example/mirror/tool:1.0', spec = { containers: [{ name: 'tool', image }] };
  const manifest = [
    { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'left', namespace: names.prod }, spec },
    { apiVersion: 'apps/v1', kind: 'ReplicaSet', metadata: { name: 'old', namespace: names.prod }, spec: {
      replicas: 1, selector: { matchLabels: { app: 'old' } }, template: { metadata: { labels: { app: 'old' } }, spec } } },
  ];
  const file = path.join(folder, 'bare.json');
  fs.writeFileSync(file, JSON.stringify({ apiVersion: 'v1', kind: 'List', items: manifest }));
  const victim = kubectl('-n', names.prod, 'get', 'pods', '-l', 'app=devmatrix-api', '-o', 'jsonpath={.items[0].metadata.name}');
  try {
    kubectl('apply', '-f', file);
    const found = await eventually('both are listed and run', async () => {
      const { pods, replica_sets: sets } = await bare();
      return pods.some(pod => pod.name === 'left' && pod.ready) && sets.some(set => set.name === 'old' && set.ready === 1) && { pods, sets };
    });
    assert.deepEqual([found.pods.length, found.sets.length], [1, 1], JSON.stringify(found));
    assert.deepEqual([found.pods[0].images, found.pods[0].mirror, found.pods[0].made_by], [[image], false, '']);
    kubectl('-n', names.prod, 'label', 'pod', victim, 'app=debugged', '--overwrite');
    await eventually('it stands for itself', async () => (await bare()).pods.some(pod => pod.name === victim));
    const { pods } = (await portal.as('bea', 'GET', '/api/v1/components/api')).body.environments.find(({ environment }) => environment.name === 'prod');
    assert.ok(!pods.some(pod => pod.name === victim), 'it is counted twice');
  } finally {
    kubectl('-n', names.prod, 'delete', 'pod/left', 'replicaset/old', `pod/${victim}`, '--ignore-not-found');
  }
});
