// What kubectl's answers mean, and where the portal's differ. Pure functions: a difference is {point, kubectl, ours}.

/** kubectl's `rollout status` in one word. */
export function classOf({ code, text }) {
  if (code === 0) return /successfully rolled out|roll out complete|rolling update complete/.test(text) ? 'done' : /^waiting/i.test(text) ? 'waiting' : 'unclear';
  const errors = [
    [/exceeded its progress deadline/, 'deadline exceeded'], [/NotFound|not found/, 'not found'],
    [/only available for RollingUpdate/, 'not for OnDelete'], [/different from the running revision/, 'another revision runs'],
  ];
  return errors.find(([pattern]) => pattern.test(text))?.[1] ?? 'error';
}

/** The states of a cell that say the same. What is not here is never an agreement. */
const MEANS = { done: ['healthy'], waiting: ['progressing'], 'deadline exceeded': ['degraded', 'down'], 'not found': ['absent'] };

/** The figures that our reason must give for kubectl's words, in its order. */
function amounts(text) {
  const [, missing] = text.match(/Waiting for (\d+) pods to be ready/) ?? [];
  if (missing) return { missing: Number(missing) };
  return { figures: (text.replace(/"[^"]*"/g, '').match(/\b\d+\b/g) ?? []).map(Number) };
}

function wordsDiffer(text, reason) {
  const ours = (reason.match(/\b\d+\b/g) ?? []).map(Number);
  const { missing, figures } = amounts(text);
  return missing === undefined ? String(figures) !== String(ours) : ours[1] - ours[0] !== missing;
}

/** Desired, updated and ready, as the object itself has them. */
function figures({ kind, spec, status = {} }) {
  const of = kind === 'DaemonSet'
    ? [status.desiredNumberScheduled, status.updatedNumberScheduled, status.numberReady]
    : [spec.replicas, status.updatedReplicas, status.readyReplicas];
  return of.map(n => n ?? 0).join('/');
}

export function compareStatus({ object, answer, cell }) {
  const differences = [];
  const differs = (point, kubectl, ours) => differences.push({ point, kubectl: String(kubectl), ours: String(ours) });
  if (!(MEANS[answer.class] ?? []).includes(cell.state)) differs('state', answer.class, cell.state);
  if (cell.state === 'healthy' ? cell.reason !== '' : cell.reason === '') differs('reason', answer.text, cell.reason);
  if (!object) return differences;
  const ours = [cell.desired, cell.updated, cell.ready].join('/');
  if (figures(object) !== ours) differs('desired/updated/ready', figures(object), ours);
  if (answer.class === 'waiting' && cell.state === 'progressing' && wordsDiffer(answer.text, cell.reason)) differs('words', answer.text, cell.reason);
  const revision = object.metadata.annotations?.['deployment.kubernetes.io/revision'];
  if (revision && Number(revision) !== cell.revision) differs('revision', revision, cell.revision);
  return differences;
}

/** `rollout history`: [{revision, cause}], oldest first. */
export function historyOf({ code, text }) {
  if (code !== 0) return [];
  const rows = text.split('\n').map(line => line.match(/^(\d+)\s+(.*?)\s*$/)).filter(Boolean);
  return rows.map(([, revision, cause]) => ({ revision: Number(revision), cause: cause === '<none>' ? null : cause }));
}

/** `rollout history --revision=N`: the image of each container. */
export function imagesOf({ text }) {
  const images = {};
  let container = null;
  for (const line of text.split('\n')) {
    container = line.match(/^ {3}(\S+):$/)?.[1] ?? container;
    const image = line.match(/^\s+Image:\s+(\S+)/)?.[1];
    if (image && container) images[container] = image;
  }
  return images;
}

const list = revisions => revisions.join(', ') || 'none';

/** kubectl's history against the portal's records of the same object, both oldest first, and against its cell. */
export function compareHistory({ history, records, cell }) {
  const differences = [];
  const differs = (point, kubectl, ours) => differences.push({ point, kubectl: String(kubectl), ours: String(ours) });
  const [theirs, ours] = [history.map(h => h.revision), records.map(r => r.revision)];
  const missed = theirs.filter(revision => !ours.includes(revision));
  const kept = ours.filter(revision => !theirs.includes(revision));
  if (missed.length) differs('revisions missing', list(theirs), list(ours));
  if (kept.length) differs('revisions kept', list(theirs), list(ours));
  for (const { revision, cause, image } of history) {
    const record = records.find(r => r.revision === revision);
    if (!record) continue;
    if ((record.cause || null) !== cause) differs(`cause of ${revision}`, cause, record.cause);
    if (record.image !== image) differs(`image of ${revision}`, image, record.image);
  }
  const current = records.filter(r => r.current).map(r => r.revision);
  if (history.length && list(current) !== String(theirs.at(-1))) differs('current', theirs.at(-1), list(current));
  if (history.length && cell.revision !== theirs.at(-1)) differs('revision of the cell', theirs.at(-1), cell.revision);
  return differences;
}

/** `rollout undo` in one word. */
export function undoneOf({ code, text }) {
  if (code === 0) return /skipped rollback/.test(text) ? 'skipped' : 'rolled back';
  if (/unable to find specified revision|no rollout history found|no last revision|unable to find the specified/.test(text)) return 'unknown revision';
  return /paused/.test(text) ? 'paused' : `error: ${text}`;
}

/** The answer to our request for a rollback in the same words. */
export function rolledBackOf({ status, body }) {
  if (status === 201) return 'rolled back';
  if (status === 422 && /paused/.test(body.detail)) return 'paused';
  return { already_running: 'skipped', revision_unknown: 'unknown revision' }[body?.code] ?? `${status} ${body?.code}: ${body?.detail}`;
}

/** Without what the controllers and the portal note for themselves. */
function annotationsOf(object) {
  const kept = Object.entries(object.metadata.annotations ?? {})
    .filter(([key]) => !/^(deployment\.kubernetes\.io|portal\.devmatrix\.io|deprecated\.daemonset\.template)\//.test(key) && key !== 'kubernetes.io/change-cause');
  return kept.map(([key, value]) => `${key}=${value}`).sort().join(', ') || 'none';
}

/** Keys in order; nothing that is null or empty, and no hash label. */
function canonical(value) {
  if (Array.isArray(value)) return value.map(canonical);
  if (value === null || typeof value !== 'object') return value;
  const entries = Object.entries(value).filter(([key]) => key !== 'pod-template-hash').map(([key, inner]) => [key, canonical(inner)]);
  const full = entries.filter(([, inner]) => inner !== null && !(typeof inner === 'object' && Object.keys(inner).length === 0));
  return Object.fromEntries(full.sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** The first place where two values differ, as {path, a, b}. */
function firstDifference(a, b, path = '') {
  if (JSON.stringify(a) === JSON.stringify(b)) return null;
  if (typeof a !== 'object' || typeof b !== 'object' || !a || !b) return { path, a: JSON.stringify(a), b: JSON.stringify(b) };
  const keys = [...new Set([...Object.keys(a), ...Object.keys(b)])];
  return keys.map(key => firstDifference(a[key], b[key], `${path}/${key}`)).find(Boolean);
}

/** Two twins after the undo: kubectl's and the portal's, each with its object and its history as kubectl shows it. */
export function compareTwins(theirs, ours) {
  const differences = [];
  const spec = firstDifference(canonical(theirs.object.spec), canonical(ours.object.spec), '/spec');
  if (spec) differences.push({ point: spec.path, kubectl: String(spec.a), ours: String(spec.b) });
  const [kept, lost] = [annotationsOf(theirs.object), annotationsOf(ours.object)];
  if (kept !== lost) differences.push({ point: 'annotations', kubectl: kept, ours: lost });
  const [a, b] = [theirs, ours].map(twin => list(twin.history.map(h => h.revision)));
  if (a !== b) differences.push({ point: 'revisions afterwards', kubectl: a, ours: b });
  for (const entry of theirs.history) {
    const other = ours.history.find(h => h.revision === entry.revision);
    if (other && other.cause !== entry.cause) differences.push({ point: 'cause afterwards', kubectl: String(entry.cause), ours: String(other.cause) });
    if (other && other.image !== entry.image) differences.push({ point: 'image afterwards', kubectl: entry.image, ours: other.image });
  }
  return differences;
}
