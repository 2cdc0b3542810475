// The judge must be able to say no: node --test end2end/cluster/kubectl/compare.test.mjs
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { classOf, compareHistory, compareStatus, compareTwins, historyOf, imagesOf, rolledBackOf, undoneOf } from './compare.mjs';
import { judge } from './documented.mjs';

const object = { kind: 'Deployment', metadata: { annotations: { 'deployment.kubernetes.io/revision': '2' } }, spec: { replicas: 3 }, status: { updatedReplicas: 1, readyReplicas: 3 } };
const text = 'Waiting for deployment "app-7" rollout to finish: 1 out of 3 new replicas have been updated...';
const cell = { state: 'progressing', reason: '1 of 3 new pods have been made', desired: 3, updated: 1, ready: 3, revision: 2 };
const points = (changes, answer = { class: 'waiting', text }) => compareStatus({ object, answer, cell: { ...cell, ...changes } }).map(d => d.point);

test('a status that differs is a difference', () => {
  assert.deepEqual(points({}), []);
  assert.deepEqual(points({ state: 'healthy', reason: '' }), ['state']);
  assert.deepEqual(points({ state: 'degraded' }), ['state']);
  assert.deepEqual(points({ reason: '2 of 3 new pods have been made' }), ['words']);
  assert.deepEqual(points({ reason: '' }), ['reason', 'words']);
  assert.deepEqual(points({ ready: 2 }), ['desired/updated/ready']);
  assert.deepEqual(points({ revision: 1 }), ['revision']);
  assert.deepEqual(points({}, { class: 'error', text: 'error: no' }), ['state']);
  assert.deepEqual(points({ reason: '1 of 3 pods are ready' }, { class: 'waiting', text: 'Waiting for 1 pods to be ready...' }), ['words']);
});

test('kubectl is read as it prints', () => {
  assert.equal(classOf({ code: 0, text }), 'waiting');
  assert.equal(classOf({ code: 0, text: 'something else' }), 'unclear');
  assert.equal(classOf({ code: 1, text: 'error: deployment "a" exceeded its progress deadline' }), 'deadline exceeded');
  assert.deepEqual(historyOf({ code: 0, text: 'deployment.apps/a \nREVISION  CHANGE-CAUSE\n1         <none>\n12        set by hand' }), [{ revision: 1, cause: null }, { revision: 12, cause: 'set by hand' }]);
  assert.deepEqual(imagesOf({ text: '  Containers:\n   app:\n    Image:\ta:1\n    Port:\t<none>\n   sidecar:\n    Image:\tb:2' }), { app: 'a:1', sidecar: 'b:2' });
  assert.deepEqual([{ code: 0, text: 'deployment.apps/a rolled back' }, { code: 0, text: 'deployment.apps/a skipped rollback (current…' }, { code: 1, text: 'error: you cannot rollback a paused deployment' }].map(undoneOf), ['rolled back', 'skipped', 'paused']);
  assert.match(rolledBackOf({ status: 422, body: { code: 'kind_not_supported', detail: 'no' } }), /kind_not_supported/);
});

test('a history that differs is a difference', () => {
  const history = [{ revision: 1, cause: 'one', image: 'a:1' }, { revision: 2, cause: null, image: 'a:2' }];
  const records = [{ revision: 1, cause: 'one', image: 'a:1', current: false }, { revision: 2, cause: null, image: 'a:2', current: true }];
  const of = (changed, revision = 2) => compareHistory({ history, records: changed, cell: { revision } }).map(d => d.point);
  assert.deepEqual(of(records), []);
  assert.deepEqual(of([records[0], { ...records[1], cause: 'one' }]), ['cause of 2']);
  assert.deepEqual(of([{ ...records[0], image: 'a:2' }, records[1]]), ['image of 1']);
  assert.deepEqual(of([records[1]]), ['revisions missing']);
  assert.deepEqual(of([{ revision: 0 }, ...records]), ['revisions kept']);
  assert.deepEqual(of([{ ...records[0], current: true }, { ...records[1], current: false }], 1), ['current', 'revision of the cell']);
});

test('twins that differ are a difference, whatever the order of keys and the hash label', () => {
  const twin = (container, labels = {}, annotations = {}) => ({ history: [], object: { metadata: { annotations }, spec: { template: { metadata: { labels }, spec: { containers: [container] } } } } });
  const of = (a, b) => compareTwins(a, b).map(d => d.point);
  assert.deepEqual(of(twin({ name: 'a', image: 'b' }), twin({ image: 'b', name: 'a', env: [] }, { 'pod-template-hash': 'x' })), []);
  assert.deepEqual(of(twin({ image: 'b' }), twin({ image: 'c' })), ['/spec/template/spec/containers/0/image']);
  assert.deepEqual(of(twin({ image: 'b' }), twin({ image: 'b', env: [{ name: 'A' }] })), ['/spec/template/spec/containers/0/env']);
  assert.deepEqual(of(twin({}), twin({}, {}, { note: 'kept' })), ['annotations']);
});

test('a difference needs an entry, and an entry needs its difference', () => {
  const scenario = { kind: 'deployment', title: 'paused at rest' };
  const seen = { point: 'state', kubectl: 'done', ours: 'paused' };
  const of = (...differences) => { const { unexplained, unseen } = judge(scenario, differences); return [unexplained.length, unseen.length]; };
  assert.deepEqual([of(seen), of(), of({ ...seen, ours: 'down' }), of(seen, { ...seen, point: 'revision' })], [[0, 0], [0, 1], [1, 1], [1, 0]]);
});
