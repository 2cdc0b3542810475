// Figures, their goals, and the table of both.

/** Nearest rank. */
export function quantile(numbers, q) {
  const sorted = numbers.filter(number => number !== null && Number.isFinite(number)).sort((a, b) => a - b);
  return sorted.length ? sorted[Math.max(0, Math.ceil(q * sorted.length) - 1)] : NaN;
}
export const median = numbers => quantile(numbers, 0.5);
export const spread = numbers => ({ median: median(numbers), p95: quantile(numbers, 0.95), min: Math.min(...numbers), max: Math.max(...numbers), n: numbers.length });

const digits = (value, unit) => (unit === 'ratio' ? value.toFixed(2) : value !== 0 && Math.abs(value) < 0.05 ? value.toPrecision(2) : Math.abs(value) < 10 && !Number.isInteger(value) ? value.toFixed(1) : Math.round(value).toLocaleString('en'));
const words = (value, unit) => (!Number.isFinite(value) ? 'not seen' : unit === 'ratio' ? digits(value, unit) : `${digits(value, unit)}${unit ? ` ${unit}` : ''}`);

export class Figures {
  rows = [];
  notes = [];

  /** `goal`: {most: number} or {least: number}; none: for information. `beside`: what peers or the baseline have. */
  add(what, value, unit, goal = null, beside = '') {
    const met = goal && (goal.most !== undefined ? value <= goal.most : value >= goal.least);
    this.rows.push({ what, value: Number.isFinite(value) ? value : null, unit, goal, met, beside });
  }

  note(text) { this.notes.push(text); }

  missed() { return this.rows.filter(row => row.goal && !row.met); }

  /** Markdown, aligned so that it is readable in a terminal too. */
  table() {
    const cells = this.rows.map(({ what, value, unit, goal, met, beside }) => {
      const wanted = !goal ? '' : goal.most !== undefined ? `at most ${words(goal.most, unit)}` : `at least ${words(goal.least, unit)}`;
      return [what, words(value ?? NaN, unit), wanted, !goal ? '' : met ? 'met' : '**missed**', beside];
    });
    const all = [['', 'measured', 'goal', '', 'beside'], ...cells];
    const widths = all[0].map((_, column) => Math.max(3, ...all.map(row => row[column].length)));
    const line = row => `| ${row.map((cell, column) => cell.padEnd(widths[column])).join(' | ')} |`;
    return [line(all[0]), `|${widths.map(width => '-'.repeat(width + 2)).join('|')}|`, ...cells.map(line), ...this.notes.map(note => `\n${note}`)].join('\n');
  }
}
