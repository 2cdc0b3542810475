// Everything that the bench starts. Each process is ended when the bench ends, however it ends.
import fs from 'node:fs';
import http from 'node:http';
import os from 'node:os';
import path from 'node:path';
import readline from 'node:readline';
import { execFile, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

export const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
const target = path.join(root, 'target/release');
const HELPER = path.join(root, 'target/bench/release/bench');
/** The program that is measured, and its site: copies, so that a build meanwhile does not take the files away from under it. */
let devmatrix = null;
const KUBECTL = path.join(root, 'end2end/controlplane/bin/kubectl');
const CONTROLPLANE = path.join(root, 'end2end/controlplane/controlplane');

const running = new Set(), folders = [];
let controlPlane = null;
export const pause = ms => new Promise(done => setTimeout(done, ms));

export async function endAll() {
  await Promise.all([...running].map(end));
  if (controlPlane) await promisify(execFile)(CONTROLPLANE, ['stop', controlPlane]).catch(() => {});
  for (const folder of folders) fs.rmSync(folder, { recursive: true, force: true });
}

export async function end(child) {
  if (!running.delete(child) || child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), 12_000);
  await ended;
  clearTimeout(timer);
}

export function folder(name) {
  const made = fs.mkdtempSync(path.join(os.tmpdir(), `devmatrix-bench-${name}-`));
  folders.push(made);
  return made;
}

/** Starts a program and waits for its first line. */
async function start(program, args, options = {}) {
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'], ...options });
  running.add(child);
  let complaint = '';
  child.stderr.on('data', chunk => { complaint = (complaint + chunk).slice(-2000); });
  const lines = readline.createInterface({ input: child.stdout });
  const line = await Promise.race([once(lines, 'line').then(([text]) => text), once(child, 'exit').then(() => null)]);
  if (line === null) throw new Error(`${path.basename(program)} ${args[0]} did not start: ${complaint}`);
  return { child, line, lines };
}

/** The bench's own programs: a minute the first time. */
export function build() {
  const args = ['build', '--release', '-q', '--locked', '--manifest-path', 'end2end/bench/tools/Cargo.toml', '--target-dir', 'target/bench'];
  execFileSync('cargo', args, { cwd: root, stdio: 'inherit' });
  if (!fs.existsSync(path.join(target, 'devmatrix'))) throw new Error('target/release/devmatrix is not there: run `make build` first');
  const copy = folder('program');
  fs.copyFileSync(path.join(target, 'devmatrix'), path.join(copy, 'devmatrix'));
  fs.cpSync(path.join(root, 'target/site'), path.join(copy, 'site'), { recursive: true });
  devmatrix = path.join(copy, 'devmatrix');
}

/** `sizes`: {home: '50x3'} → the addresses, {home: url}; `order(text)` gives an order to the clusters, see tools/src/orders.rs. */
export async function simulated(sizes) {
  const { child, line, lines } = await start(HELPER, ['cluster', ...Object.entries(sizes).map(([name, size]) => `${name}=${size}`)]);
  const order = async text => {
    const answer = Promise.race([once(lines, 'line').then(([line]) => line), once(child, 'exit').then(() => null)]);
    child.stdin.write(`${text}\n`);
    const line = await answer;
    if (line === null) throw new Error(`the simulated clusters ended at the order: ${text}`);
    return JSON.parse(line);
  };
  return { child, urls: JSON.parse(line), order };
}

/** A program on client-go with informers on these namespaces, see clientgo/main.go; null where there is no Go to build it with. */
export async function clientGo(kubeconfig, namespaces) {
  const directory = path.join(root, 'end2end/bench/clientgo'), program = path.join(root, 'target/bench/clientgo');
  // Only the Go that is there: none is fetched.
  const options = { cwd: directory, encoding: 'utf8', env: { ...process.env, GOWORK: 'off', GOTOOLCHAIN: 'local', CGO_ENABLED: '0' } };
  const needed = Number(/^go 1\.(\d+)/m.exec(fs.readFileSync(path.join(directory, 'go.mod'), 'utf8'))[1]);
  try {
    const [, minor] = /go1\.(\d+)/.exec(execFileSync('go', ['version'], { ...options, stdio: 'pipe' }));
    if (Number(minor) < needed) return null;
  } catch { return null; }
  execFileSync('go', ['build', '-mod=readonly', '-trimpath', '-o', program, '.'], { ...options, stdio: 'inherit' });
  const { child, line } = await start(program, [kubeconfig, ...namespaces]);
  return { child, ...JSON.parse(line) };
}

export async function bare(directory) {
  const { line } = await start(HELPER, ['serve', directory]);
  return line.trim();
}

export async function load(order) {
  const { stdout } = await promisify(execFile)(HELPER, ['load', JSON.stringify(order)]);
  return JSON.parse(stdout);
}

/** The admin's way into a real control plane; null where its programs are not built. */
export async function realCluster() {
  if (!fs.existsSync(path.join(path.dirname(CONTROLPLANE), 'bin/kube-apiserver'))) return null;
  const directory = path.join(folder('controlplane'), 'state');
  controlPlane = directory;
  await promisify(execFile)(CONTROLPLANE, ['start', directory]);
  const { stdout } = await promisify(execFile)(CONTROLPLANE, ['kubectl', directory, 'config', 'view', '--raw', '--minify', '-o', 'json']);
  const config = JSON.parse(stdout);
  return {
    directory, kubeconfig: path.join(directory, 'portal.kubeconfig'), context: 'portal', url: config.clusters[0].cluster.server,
    ca: Buffer.from(config.clusters[0].cluster['certificate-authority-data'], 'base64'), token: config.users[0].user.token,
  };
}

/** Milliseconds that kubectl takes to read these kinds; null where it is not built. */
export async function kubectl(kubeconfig, kinds) {
  if (!fs.existsSync(KUBECTL)) return null;
  const run = args => new Promise((done, fail) => {
    const child = spawn(KUBECTL, ['--kubeconfig', kubeconfig, '--cache-dir', path.join(path.dirname(kubeconfig), 'cache'), ...args], { stdio: ['ignore', 'ignore', 'inherit'] });
    running.add(child);
    child.on('error', fail).on('exit', code => {
      running.delete(child);
      if (code) fail(new Error(`kubectl ${args[0]} ended with ${code}`)); else done();
    });
  });
  // Afterwards it knows what the cluster serves.
  await run(['get', 'nodes']);
  const from = performance.now();
  await run(['get', kinds.join(','), '-A', '-o', 'json']);
  return performance.now() - from;
}

/** `kubectl patch` as a person types it, from the start of the process. */
export async function kubectlPatch(directory, namespace, name, patch) {
  const args = ['--kubeconfig', path.join(directory, 'admin.kubeconfig'), '--cache-dir', path.join(directory, 'kubectl-cache'), '-n', namespace];
  await promisify(execFile)(KUBECTL, [...args, 'patch', 'deployment', name, '-p', JSON.stringify(patch)]);
}

/** One answer, its body as it was sent. */
export function ask(url, { method = 'GET', headers = {}, body } = {}) {
  return new Promise((done, fail) => {
    const request = http.request(url, { method, headers }, answer => {
      const chunks = [];
      answer.on('data', chunk => chunks.push(chunk)).on('error', fail);
      answer.on('end', () => done({ status: answer.statusCode, headers: answer.headers, body: Buffer.concat(chunks) }));
    });
    request.on('error', fail).end(body);
  });
}

/** A portal that is configured, with one signed-in person; started by `start()`, as often as wanted, on the same data. */
export class Portal {
  constructor(name, configuration) {
    this.home = folder(name);
    this.config = path.join(this.home, 'devmatrix.yaml');
    fs.writeFileSync(this.config, configuration(this.home));
  }

  get common() { return ['--config', this.config, '--data-dir', path.join(this.home, 'data')]; }

  async start() {
    const env = { ...process.env, LEPTOS_SITE_ROOT: path.join(path.dirname(devmatrix), 'site'), RUST_LOG: 'warn' };
    delete env.DEVMATRIX_DATABASE_URL;
    const { child, line } = await start(devmatrix, ['serve', ...this.common, '--listen', '127.0.0.1:0'], { env });
    this.child = child;
    this.url = /http:\/\/[\d.:]+/.exec(line)[0];
    return this;
  }

  stop() { return end(this.child); }

  token(user, scopes) {
    return execFileSync(devmatrix, ['token', 'create', '--user', user, '--scopes', scopes, ...this.common], { encoding: 'utf8' }).trim();
  }

  async signIn() {
    const token = this.token('bench', 'read,change');
    const headers = { origin: this.url, 'content-type': 'application/x-www-form-urlencoded' };
    const answer = await ask(`${this.url}/sign-in`, { method: 'POST', headers, body: new URLSearchParams({ token, return_to: '/' }).toString() });
    const cookie = answer.headers['set-cookie']?.[0]?.split(';')[0];
    if (answer.status !== 303 || !cookie) throw new Error(`signing in was answered with ${answer.status}`);
    this.cookie = cookie;
  }

  page(at, headers = {}) { return ask(this.url + at, { headers: { cookie: this.cookie, ...headers } }); }

  /** Waits for a page that shows every cluster as read. */
  async good(rows, at = '/') {
    for (const from = Date.now(); Date.now() - from < 120_000; await pause(4)) {
      const { status, body } = await this.page(at);
      const text = body.toString();
      if (status === 200 && text.split('data-testid="cell"').length > rows && !/data-reachable="false"|data-state="unknown"|>not seen</.test(text)) return;
    }
    throw new Error('no good page after two minutes');
  }

  /** From here on `memory().peak` is the peak since now. */
  forgetPeak() { fs.writeFileSync(`/proc/${this.child.pid}/clear_refs`, '5'); }

  /** Seconds of all cores that it has used. */
  cpu() {
    const fields = fs.readFileSync(`/proc/${this.child.pid}/stat`, 'utf8').split(') ')[1].split(' ');
    return (Number(fields[11]) + Number(fields[12])) / 100;
  }

  /** What the kernel says of its memory, in MB. */
  memory() {
    const said = fs.readFileSync(`/proc/${this.child.pid}/status`, 'utf8');
    const of = name => Number(new RegExp(`${name}:\\s+(\\d+)`).exec(said)?.[1] ?? NaN) / 1024;
    return { resident: of('VmRSS'), anonymous: of('RssAnon'), file: of('RssFile'), peak: of('VmHWM') };
  }
}

/** The share of the cores that others used during a second of our rest, 0 to 1. */
export async function noise() {
  const read = () => fs.readFileSync('/proc/stat', 'utf8').split('\n')[0].trim().split(/\s+/).slice(1).map(Number);
  const before = read();
  await pause(1000);
  const spent = read().map((ticks, at) => ticks - before[at]);
  const all = spent.slice(0, 8).reduce((sum, ticks) => sum + ticks, 0);
  return all ? 1 - (spent[3] + spent[4]) / all : 0;
}
