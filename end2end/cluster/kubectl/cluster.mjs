// The cluster of the table: the real kubectl as a process (the judge, and the hand that makes the scenarios' changes), and cheap
// reads through its proxy. A scenario's workload lives in one namespace, which is one environment of the portal.
import { execFile, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { eventually } from '../portal.mjs';
import { classOf, historyOf, imagesOf } from './compare.mjs';

/** Two cores run the whole control plane: more kubectls at once only make all of them slower. Those that just wait do not count. */
const AT_ONCE = 5;

export class Cluster {
  constructor(kubectl, kubeconfig, cache) {
    this.program = kubectl;
    this.kubeconfig = kubeconfig;
    this.environment = { ...process.env, KUBECACHEDIR: cache, KUBERC: 'off', KUBECONFIG: kubeconfig };
    this.running = 0;
    this.queue = [];
  }

  /** Runs kubectl; answers {code, text} with both of its outputs, and never throws for what kubectl says. */
  async kubectl(args, input) {
    if (args.some(word => word.startsWith('--timeout='))) return this.execute(args, input);
    while (this.running >= AT_ONCE) await new Promise(next => this.queue.push(next));
    this.running += 1;
    try {
      return await this.execute(args, input);
    } finally {
      this.running -= 1;
      this.queue.shift()?.();
    }
  }

  execute(args, input) {
    return new Promise(done => {
      const child = execFile(this.program, args, { env: this.environment, maxBuffer: 1 << 24 }, (error, out, err) =>
        done({ code: error ? (typeof error.code === 'number' ? error.code : 255) : 0, text: (out + err).trim() }));
      child.stdin.end(input ?? '');
    });
  }

  /** What must work for the scenario to make sense. */
  async must(args, input) {
    const answer = await this.kubectl(args, input);
    if (answer.code !== 0) throw new Error(`kubectl ${args.join(' ')}: ${answer.text}`);
    return answer.text;
  }

  async openProxy() {
    this.proxy = spawn(this.program, ['proxy', '--port=0', '--reject-methods=POST,PUT,PATCH,DELETE'], { env: this.environment, stdio: ['ignore', 'pipe', 'ignore'] });
    const address = await new Promise((found, fail) => {
      createInterface({ input: this.proxy.stdout }).on('line', line => { const [at] = line.match(/127\.0\.0\.1:\d+/) ?? []; if (at) found(at); });
      this.proxy.once('exit', code => fail(new Error(`kubectl proxy ended with ${code}`)));
    });
    this.url = `http://${address}`;
  }

  closeProxy() { this.proxy?.kill(); }

  /** An object or a list; null when it is not there. */
  async get(path) {
    const answer = await fetch(this.url + path);
    if (answer.status === 404) return null;
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
    return answer.json();
  }
}

export class Workload {
  constructor(world, scenario, environment) {
    Object.assign(this, { world, scenario, environment, cluster: world.cluster, name: scenario.id, kind: scenario.kind, make: scenario.make ?? {} });
    this.namespace = world.namespaces[environment];
    this.answers = new Map();
    this.histories = new Map();
  }

  get ref() { return `${this.kind}/${this.name}`; }

  /** `@` stands for the workload. */
  args(line) { return ['-n', this.namespace, ...(Array.isArray(line) ? line : line.split(' ')).map(word => (word === '@' ? this.ref : word))]; }
  kubectl(line, input) { return this.cluster.kubectl(this.args(line), input); }
  must(line, input) { return this.cluster.must(this.args(line), input); }
  create() { return this.must('create -f -', JSON.stringify(manifest(this))); }
  object() { return this.cluster.get(`/apis/apps/v1/namespaces/${this.namespace}/${this.kind}s/${this.name}`); }

  /** `kubectl rollout status` reads nothing but the object, so one answer serves as long as the object stays the same. */
  async status(object) {
    const revision = this.scenario.revision;
    const key = object?.metadata.resourceVersion ?? 'none';
    if (!this.answers.has(key)) {
      const answer = await this.kubectl(['rollout', 'status', '@', '--watch=false', ...(revision ? [`--revision=${revision}`] : [])]);
      if ((await this.object())?.metadata.resourceVersion !== object?.metadata.resourceVersion) return null;
      this.answers.set(key, { ...answer, class: classOf(answer) });
    }
    return this.answers.get(key);
  }

  /** What kubectl and the portal say of one and the same state of the object; null when it changed in between. */
  async together() {
    const object = await this.object();
    const answer = await this.status(object);
    const cell = answer && await this.cell();
    if (!cell || (await this.object())?.metadata.resourceVersion !== object?.metadata.resourceVersion) return null;
    return { object, answer, cell };
  }

  says(pattern, seconds = 60) {
    return eventually(`kubectl says ${pattern} of ${this.ref}`, async () => {
      const answer = await this.status(await this.object());
      if (!answer || !pattern.test(answer.text)) throw new Error(answer?.text ?? 'it changes');
      return answer;
    }, seconds);
  }

  /** kubectl's revisions, oldest first: {revision, cause, image}. It reads the workload and its revisions, so they are the key. */
  async history() {
    const key = await this.versions();
    if (!this.histories.has(key)) {
      const list = historyOf(await this.kubectl('rollout history @'));
      await Promise.all(list.map(async entry => {
        entry.image = imagesOf(await this.kubectl(`rollout history @ --revision=${entry.revision}`))[this.scenario.container ?? 'app'];
      }));
      if (await this.versions() !== key) return this.history();
      this.histories.set(key, list);
    }
    return this.histories.get(key);
  }

  async versions() {
    const revisions = this.kind === 'deployment' ? 'replicasets' : 'controllerrevisions';
    const { items } = await this.cluster.get(`/apis/apps/v1/namespaces/${this.namespace}/${revisions}?labelSelector=app%3D${this.name}`);
    return [await this.object(), ...items].map(object => `${object?.metadata.uid} ${object?.metadata.resourceVersion}`).sort().join();
  }

  async cell() { return (await this.world.matrix()).components.find(row => row.name === this.name).cells[this.environment]; }

  /** The portal's records, oldest first. */
  async records() {
    const answer = await this.world.portal.as('bea', 'GET', `/api/v1/components/${this.name}/deployments?environment=${this.environment}`);
    if (answer.status !== 200) throw new Error(`records: ${answer.status} ${JSON.stringify(answer.body)}`);
    return answer.body.items.toReversed();
  }
}

const KINDS = { deployment: 'Deployment', statefulset: 'StatefulSet', daemonset: 'DaemonSet' };
export const image = (tag, name = 'app') => `registry.devmatrix.example/table/${name}:${tag}`;

/** `make` holds fields of the spec, and `tag`, `sidecar` (a tag), `annotations`, `pod` (fields of the pod) and `app` (of the container). */
function manifest({ kind, name, namespace, make }) {
  const { tag = '1', sidecar, annotations = { 'kubernetes.io/change-cause': 'one' }, pod = {}, app = {}, ...spec } = make;
  const labels = { app: name };
  const containers = [{ name: 'app', image: image(tag), ...app }, ...(sidecar ? [{ name: 'sidecar', image: image(sidecar, 'sidecar') }] : [])];
  return {
    apiVersion: 'apps/v1', kind: KINDS[kind], metadata: { name, namespace, labels, ...(annotations ? { annotations } : {}) },
    spec: {
      ...(kind === 'daemonset' ? {} : { replicas: 2 }), ...(kind === 'statefulset' ? { serviceName: name } : {}),
      selector: { matchLabels: labels }, ...spec,
      template: { metadata: { labels }, spec: { terminationGracePeriodSeconds: 1, containers, ...pod } },
    },
  };
}
