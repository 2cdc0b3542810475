// Somebody else at work in the demo's clusters, past the portal.

/** `data`: keys with their new values; null takes one away. */
export async function editConfigMap(portal, cluster, namespace, name, data) {
  const url = `${portal.clusters[cluster]}/api/v1/namespaces/${namespace}/configmaps/${name}`;
  const answer = await fetch(url, { method: "PATCH", headers: { "content-type": "application/merge-patch+json" }, body: JSON.stringify({ data }) });
  if (!answer.ok) throw new Error(`${url}: ${answer.status} ${await answer.text()}`);
}

/** What a ConfigMap holds. */
export async function configMap(portal, cluster, namespace, name) {
  const answer = await fetch(`${portal.clusters[cluster]}/api/v1/namespaces/${namespace}/configmaps/${name}`);
  if (!answer.ok) throw new Error(`${answer.url}: ${answer.status}`);
  return (await answer.json()).data;
}
