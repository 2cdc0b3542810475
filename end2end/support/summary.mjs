// The last line of a run, for people and for scripts: `12 passed, 0 failed`.
export default class Summary {
  onBegin(_config, suite) {
    this.suite = suite;
  }

  printsToStdio() {
    return false;
  }

  onEnd() {
    const count = { expected: 0, unexpected: 0, flaky: 0, skipped: 0 };
    for (const test of this.suite.allTests()) count[test.outcome()] += 1;
    const rest = count.skipped ? `, ${count.skipped} not run` : "";
    console.log(`\n${count.expected} passed, ${count.unexpected + count.flaky} failed${rest}`);
  }
}
