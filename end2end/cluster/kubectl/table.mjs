// One scenario from its beginning to its verdict, and the Markdown of all of them.
import { eventually } from '../portal.mjs';
import { Workload } from './cluster.mjs';
import { compareHistory, compareStatus, compareTwins, rolledBackOf, undoneOf } from './compare.mjs';
import { documented, entriesOf, judge } from './documented.mjs';

/** How long the two may take to settle on what they say, in seconds: they look at the same object, but not at the same moment. */
const SETTLE = 40;

const perform = async (workload, steps) => { for (const step of steps.flat()) await step(workload); };
const short = (text, length = 110) => { const line = text.replace(/\s+/g, ' ').trim(); return line.length > length ? `${line.slice(0, length - 1)}…` : line; };

export async function prepare(world, scenario) {
  const places = scenario.undo ? ['first', 'twin'] : [scenario.at ?? 'first'];
  const workloads = places.map(place => new Workload(world, scenario, place));
  if (scenario.steps !== null) {
    await Promise.all(workloads.map(async workload => { await workload.create(); await perform(workload, scenario.steps ?? []); }));
  }
  return workloads;
}

/** {kubectl, ours, differences}: what they say, and where that differs. */
export async function compare(world, scenario, [first, twin]) {
  if (scenario.undo) return undo(scenario, first, twin);
  return settled(scenario, () => (scenario.history ? history(scenario, first) : status(scenario, first)));
}

/** Looks until everything is explained, and what is documented is seen; what remains at the deadline is the verdict. */
async function settled(scenario, look) {
  let last;
  try {
    return await eventually('settled', async () => {
      last = await look();
      if (!last || last.wrong) return false;
      const { unexplained, unseen } = judge(scenario, last.differences);
      return !unexplained.length && !unseen.length && last;
    }, SETTLE);
  } catch (error) {
    if (!last || last.wrong) throw new Error(last?.wrong ?? error.message, { cause: error });
    return last;
  }
}

async function status(scenario, workload) {
  const seen = await workload.together();
  if (!seen) return null;
  const { answer, cell } = seen;
  if (!scenario.says.test(answer.text)) return { wrong: `kubectl should say ${scenario.says} here, and says: ${answer.text}` };
  const ours = `${cell.state} ${cell.desired}/${cell.updated}/${cell.ready}${cell.reason && `: ${cell.reason}`}`;
  return { kubectl: answer.text, ours, differences: compareStatus(seen), cell };
}

async function history(scenario, workload) {
  const seen = await seenOf(workload);
  const text = list => list.map(entry => `${entry.revision} ${entry.cause ?? '–'}`).join(', ');
  const theirs = text(seen.history);
  if (theirs !== scenario.history) return { wrong: `kubectl should list ${scenario.history} here, and lists ${theirs}` };
  return { kubectl: theirs, ours: text(seen.records), differences: compareHistory(seen), cell: seen.cell };
}

async function undo(scenario, first, twin) {
  const { to = (await twin.history()).at(-2)?.revision, is, ends = 'succeeded', then, restores } = scenario.undo;
  const theirs = undoneOf(await first.kubectl(`rollout undo @${scenario.undo.to ? ` --to-revision=${to}` : ''}`));
  const { portal } = twin.world;
  const answer = await portal.as('bea', 'POST', '/api/v1/changes', { kind: 'rollback', component: twin.name, environment: 'twin', to_revision: to, reason: 'the table' });
  const ours = rolledBackOf(answer);
  if (theirs !== is) throw new Error(`kubectl's undo should be ${is}, and is ${theirs}`);
  const outcome = theirs === ours ? [] : [{ point: 'undo', kubectl: theirs, ours }];
  let end = '';
  if (answer.status === 201) {
    const change = ends === 'observing' ? await portal.reached(answer.body.id, [ends]) : await portal.ended(answer.body.id);
    end = ` (${change.state})`;
    if (change.state !== ends) throw new Error(`the change ended ${change.state}, not ${ends}: ${change.outcome?.reason}`);
  }
  const said = { kubectl: `${theirs}, revision ${to}`, ours: `${ours}${end}` };
  if (theirs !== ours) {
    if (restores && answer.status === 201) await restored(twin, restores);
    return { ...said, differences: outcome };
  }
  if (theirs === 'rolled back') for (const workload of [first, twin]) await workload.says(then ?? /successfully rolled out|roll out complete/);
  return settled(scenario, async () => {
    const [a, b] = [await seenOf(first), await seenOf(twin)];
    const kept = d => (d.point === 'revisions kept' ? { ...d, point: 'revisions kept by kubectl’s twin' } : d);
    return { ...said, differences: [...outcome, ...compareTwins(a, b), ...compareHistory(a).map(kept), ...compareHistory(b)] };
  });
}

const seenOf = async workload => ({ object: await workload.object(), history: await workload.history(), records: await workload.records(), cell: await workload.cell() });

const restored = async (workload, tag) => {
  await workload.says(/successfully rolled out|roll out complete/);
  const { image } = (await workload.object()).spec.template.spec.containers[0];
  if (!image.endsWith(`:${tag}`)) throw new Error(`it should run ${tag} again, and runs ${image}`);
};

/** The scenario's row: ok when all that differs is documented, and all that is documented differs. */
export function verdict(scenario, compared, error) {
  const { unexplained = [], unseen = [] } = error ? {} : judge(scenario, compared.differences);
  const problems = [
    ...(error ? [short(error.message, 400)] : []),
    ...unexplained.map(d => `${d.point}: kubectl says ${d.kubectl}; the portal says ${d.ours}`),
    ...unseen.map(entry => `documented, but it does not occur: ${entry.point}: kubectl says ${entry.kubectl}`),
  ];
  const documentedHere = !error && compared.differences.length > unexplained.length;
  return { scenario, ...compared, problems, verdict: problems.length ? 'DISAGREES' : documentedHere ? 'documented' : 'agrees' };
}

const cell = text => short(text ?? '').replaceAll('|', '\\|').replaceAll('<', '&lt;');

export function markdown(rows, summary) {
  const lines = ['# kubectl and the portal', '', summary, '', '| | kind | scenario | kubectl says | the portal says | |', '|---|---|---|---|---|---|'];
  for (const row of rows) {
    const { number, kind, title } = row.scenario;
    lines.push(`| ${number} | ${kind} | ${cell(title)} | ${cell(row.kubectl)} | ${cell(row.ours ?? row.problems?.[0])} | ${row.verdict} |`);
  }
  lines.push('', '## Documented differences', '', '| scenarios | what | kubectl | the portal | reason |', '|---|---|---|---|---|');
  const groups = new Map();
  for (const entry of documented) groups.set(entry.point + entry.reason, [...(groups.get(entry.point + entry.reason) ?? []), entry]);
  for (const group of groups.values()) {
    const here = rows.filter(row => entriesOf(row.scenario).some(entry => group.includes(entry)));
    const [{ point, reason }] = group;
    const example = side => here.flatMap(row => row.differences ?? []).find(d => d.point === point)?.[side] ?? '';
    const words = side => cell([...new Set(group.map(entry => (typeof entry[side] === 'string' ? entry[side] : `such as ${example(side)}`)))].join(', '));
    if (here.length) lines.push(`| ${here.map(row => row.scenario.number).join(', ')} | ${point} | ${words('kubectl')} | ${words('ours')} | ${reason} |`);
  }
  const wrong = rows.filter(row => row.problems?.length);
  if (wrong.length) lines.push('', '## Disagreements', '', ...wrong.flatMap(row => [`- ${row.scenario.number}, ${row.scenario.kind}, ${row.scenario.title}`, ...row.problems.map(problem => `  - ${problem}`)]));
  return `${lines.join('\n')}\n`;
}
