// The portal's API with a demo person's token: what tests do behind the browser's back.
import { eventually } from "./portal.mjs";

const ENDED = ["succeeded", "rejected", "expired", "aborted", "failed", "errored", "superseded", "stuck"];
const ROLLOUT_MS = 60_000;

export class Api {
  constructor(url, person) {
    this.url = url;
    this.token = `demo-${person}`;
  }

  /** Status and body, whatever they are. */
  async ask(method, path, body) {
    const headers = { authorization: `Bearer ${this.token}`, ...(body && { "content-type": "application/json" }) };
    const response = await fetch(`${this.url}/api/v1${path}`, { method, headers, body: body && JSON.stringify(body) });
    return { status: response.status, body: await response.json() };
  }

  /** The body of a success. */
  async good(method, path, body) {
    const answer = await this.ask(method, path, body);
    if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
    return answer.body;
  }

  promote(component, environment, reason = "") {
    return this.good("POST", "/changes", { kind: "promote", component, environment, from: "staging", reason });
  }

  restart(component, environment, reason = "") {
    return this.good("POST", "/changes", { kind: "restart", component, environment, reason });
  }

  /** Back to the newest revision of a version that does not run now. */
  async rollback(component, environment, version, reason = "") {
    const { items } = await this.good("GET", `/components/${component}/deployments?environment=${environment}`);
    const record = items.find((one) => !one.current && tag(one.image) === version);
    if (!record) throw new Error(`${component} never ran ${version} in ${environment}: ${items.map((one) => one.image)}`);
    return this.good("POST", "/changes", { kind: "rollback", component, environment, to_revision: record.revision, reason });
  }

  approve(change) {
    return this.good("POST", `/changes/${change.label}/approve`, { digest: change.plan.digest, reason: "" });
  }

  reject(change, reason) {
    return this.good("POST", `/changes/${change.label}/reject`, { reason });
  }

  change(label) {
    return this.good("GET", `/changes/${label}`);
  }

  /** The change when it has ended. */
  ended(change) {
    return eventually(`${change.label} ends`, ROLLOUT_MS, async () => {
      const now = await this.change(change.label);
      return ENDED.includes(now.state) && now;
    });
  }

  /** The change when it has ended in this state. */
  async until(change, state) {
    const now = await this.ended(change);
    if (now.state !== state) throw new Error(`${change.label} ended as ${now.state}, not ${state}: ${now.outcome?.reason}`);
    return now;
  }

  async cell(component, environment) {
    const matrix = await this.good("GET", "/matrix");
    return matrix.components.find((row) => row.name === component).cells[environment];
  }
}

/** `registry/api:1.2@sha256:…` → `1.2` */
export const tag = (image) => image.split("@")[0].split(":").pop();

/** The demo's past has been read from its clusters: each Deployment has at least three revisions everywhere. */
export async function hasPast(url) {
  const viv = new Api(url, "viv");
  const components = ["api", "qdrant", "neo4j", "redis", "nginx", "prometheus"];
  const count = async (component) => {
    const { items } = await viv.good("GET", `/components/${component}/deployments`);
    return ["staging", "prod", "prod-central"].every((environment) => items.filter((one) => one.environment === environment).length >= 3);
  };
  await eventually("the records are there", 15_000, async () => (await Promise.all(components.map(count))).every(Boolean));
}
