// A portal without the demo, whose clusters do not answer, and a token of Bea's for it.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { command, startPortal } from "./portal.mjs";

// Port 9 is "discard": nothing listens there.
const KUBECONFIG = {
  apiVersion: "v1",
  kind: "Config",
  clusters: [{ name: "gone", cluster: { server: "http://127.0.0.1:9" } }],
  users: [{ name: "nobody", user: {} }],
  contexts: [{ name: "gone", context: { cluster: "gone", user: "nobody" } }],
  "current-context": "gone",
};

const configuration = (kubeconfig) => `organisation: Example
teams:
  - {name: devops, title: DevOps, members: [dmitri], roles: [deployer, approver]}
  - {name: backend, title: Backend, members: [bea], roles: [deployer]}
clusters:
  - {name: one, provider: kubeconfig, region: here, kubeconfig: {path: ${kubeconfig}, context: gone}}
environments:
  - {name: staging, title: Staging, stage: 1, cluster: one, namespace: staging}
  - name: prod
    title: Production
    stage: 2
    cluster: one
    namespace: prod
    production: true
    promote_from: staging
    approval: {rules: [{from: ["team:devops"], needed: 1}], exclude_requester: true, expires: 24h}
components:
  - {name: api, title: API server, owner: backend, technology: FastAPI, replicas: 2, workload: deployment/api}
`;

export async function lostPortal(dir, name) {
  const [kubeconfig, config, data] = ["kubeconfig", "devmatrix.yaml", "data"].map((file) => join(dir, file));
  writeFileSync(kubeconfig, JSON.stringify(KUBECONFIG));
  writeFileSync(config, configuration(kubeconfig));
  const made = command(["token", "create", "--user", "bea", "--scopes", "read,change", "--config", config, "--data-dir", data]);
  if (made.exit !== 0) throw new Error(`token create: ${made.stderr}`);
  const portal = await startPortal({ name, args: ["--config", config, "--data-dir", data] });
  return Object.assign(portal, { token: made.stdout.trim() });
}
