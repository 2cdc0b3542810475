// The portal as a process on a real cluster: its own folder, configuration, tokens and port; and its API as a few functions.
import { spawn, spawnSync, execFileSync } from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');

export const binary = [process.env.DEVMATRIX_BIN, 'target/release/devmatrix', 'target/debug/devmatrix']
  .filter(Boolean).map(file => path.resolve(root, file)).find(file => fs.existsSync(file));

export const freePort = () => new Promise((done, fail) => {
  const server = net.createServer().on('error', fail).listen(0, '127.0.0.1', () => {
    const { port } = server.address();
    server.close(() => done(port));
  });
});

const portals = new Set();

/** No control plane is left running, nor a portal, when somebody interrupts the tests. */
export function stopWhenInterrupted(script, plane) {
  for (const signal of ['SIGINT', 'SIGTERM']) {
    process.once(signal, () => {
      portals.forEach(one => one.kill('SIGKILL'));
      spawnSync(script, ['stop', plane], { stdio: 'ignore' });
      process.exit(1);
    });
  }
}

/** Waits for `look` to answer something true, often; fails with `what` at the deadline. */
export async function eventually(what, look, seconds = 60) {
  const until = Date.now() + seconds * 1000;
  for (let last; ;) {
    try { const found = await look(); if (found) return found; last = found; } catch (error) { last = error; }
    if (Date.now() > until) throw new Error(`not within ${seconds} s: ${what} (last: ${last?.stack ?? JSON.stringify(last)})`);
    await new Promise(done => setTimeout(done, 50));
  }
}

/** Of the journeys: one component, two environments. */
export const configuration = (kubeconfig, names) => `organisation: Journey
teams:
  - {name: devops, title: DevOps Team, members: [olivia, dmitri], roles: [deployer, approver]}
  - {name: backend, title: Backend Team, members: [bea, ben], roles: [deployer]}
clusters:
  - {name: west, provider: kubeconfig, kubeconfig: {path: ${kubeconfig}}}
  - {name: east, provider: kubeconfig, kubeconfig: {path: ${kubeconfig}}}
environments:
  - {name: staging, title: Staging, stage: 1, cluster: west, namespace: ${names.staging}}
  - name: prod
    title: Production
    stage: 2
    cluster: east
    namespace: ${names.prod}
    production: true
    promote_from: staging
    approval: {rules: [{from: ["team:devops"], needed: 1}], expires: 1h}
components:
  - {name: api, title: API server, owner: backend, port: 8000, replicas: 3, workload: deployment/devmatrix-api, container: api}
  - {name: db, title: Database, owner: backend, workload: statefulset/db}
`;

export class Portal {
  constructor(folder, text) {
    this.folder = folder;
    this.config = path.join(folder, 'devmatrix.yaml');
    this.data = path.join(folder, 'data');
    fs.writeFileSync(this.config, text);
    this.tokens = {};
  }

  command(...args) {
    return execFileSync(binary, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  }

  token(user) {
    this.tokens[user] ??= this.command('token', 'create', '--user', user, '--scopes', 'read,change,approve', '--config', this.config, '--data-dir', this.data).trim();
    return this.tokens[user];
  }

  async start() {
    this.port ??= await freePort();
    const log = fs.openSync(path.join(this.folder, 'portal.log'), 'a');
    this.process = spawn(binary, ['serve', '--config', this.config, '--data-dir', this.data, '--listen', `127.0.0.1:${this.port}`], {
      stdio: ['ignore', log, log], env: { LEPTOS_SITE_ROOT: path.join(root, 'target/site'), ...process.env },
    });
    const child = this.process;
    portals.add(child);
    child.once('exit', code => { portals.delete(child); this.exit = code ?? 'a signal'; });
    this.exit = null;
    await eventually('the portal is ready', async () => {
      if (this.exit !== null) throw new Error(`it ended with ${this.exit}: ${this.log()}`);
      return (await fetch(`${this.url}/readyz`)).ok;
    });
  }

  async stop(signal = 'SIGTERM') {
    if (!this.process || this.exit !== null) return;
    const ended = new Promise(done => this.process.once('exit', done));
    this.process.kill(signal);
    await ended;
  }

  get url() { return `http://127.0.0.1:${this.port}`; }

  log() { return fs.readFileSync(path.join(this.folder, 'portal.log'), 'utf8'); }

  /** A request as this person; answers {status, body, headers}. */
  async as(user, method, url, body, headers = {}) {
    const answer = await fetch(this.url + url, {
      method, headers: { authorization: `Bearer ${this.token(user)}`, ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
      body: body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body),
    });
    const text = await answer.text();
    return { status: answer.status, body: text ? JSON.parse(text) : null, headers: answer.headers };
  }

  async cell(environment) {
    return (await this.as('bea', 'GET', '/api/v1/matrix')).body.components[0].cells[environment];
  }

  async change(id) { return (await this.as('bea', 'GET', `/api/v1/changes/${id}`)).body; }

  async reached(id, states, seconds = 90) {
    return eventually(`change ${id} is ${states.join(' or ')}`, async () => { const change = await this.change(id); return states.includes(change.state) && change; }, seconds);
  }

  async ended(id, seconds = 90) {
    return this.reached(id, ['succeeded', 'rejected', 'expired', 'aborted', 'failed', 'errored', 'superseded', 'stuck'], seconds);
  }
}
