// Somebody else at work in the demo's clusters, past the portal.

async function ask(url, method = "GET", body, type = "application/json") {
  const answer = await fetch(url, { method, headers: { "content-type": type }, body: body && JSON.stringify(body) });
  if (!answer.ok) throw new Error(`${method} ${url}: ${answer.status} ${await answer.text()}`);
  return answer.json();
}

const patch = (url, body) => ask(url, "PATCH", body, "application/merge-patch+json");

const configMapUrl = (portal, cluster, namespace, name) => `${portal.clusters[cluster]}/api/v1/namespaces/${namespace}/configmaps/${name}`;
const deployments = (portal, cluster, namespace) => `${portal.clusters[cluster]}/apis/apps/v1/namespaces/${namespace}/deployments`;

/** `data`: keys with their new values; null takes one away. */
export async function editConfigMap(portal, cluster, namespace, name, data) {
  await patch(configMapUrl(portal, cluster, namespace, name), { data });
}

/** What a ConfigMap holds. */
export async function configMap(portal, cluster, namespace, name) {
  return (await ask(configMapUrl(portal, cluster, namespace, name))).data;
}

/** Edits the spec of a Deployment; null takes a field away. */
export async function editDeployment(portal, cluster, namespace, name, spec) {
  await patch(`${deployments(portal, cluster, namespace)}/${name}`, { spec });
}

/** Deletes a Deployment, and answers it as it was. */
export async function deleteDeployment(portal, cluster, namespace, name) {
  const url = `${deployments(portal, cluster, namespace)}/${name}`;
  const was = await ask(url);
  await ask(url, "DELETE");
  return was;
}

/** Makes a deleted Deployment anew. */
export async function makeDeployment(portal, cluster, { apiVersion, kind, metadata: { name, namespace, labels }, spec }) {
  await ask(deployments(portal, cluster, namespace), "POST", { apiVersion, kind, metadata: { name, labels }, spec });
}
