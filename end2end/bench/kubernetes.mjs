// A cluster's API as the bench uses it beside the portal: changes, and the raw watch that is the floor of every delay.
import http from 'node:http';
import https from 'node:https';
import fs from 'node:fs';
import path from 'node:path';

export class Cluster {
  /** `way`: {url, token, ca} */
  constructor(way) {
    this.way = way;
    this.module = way.url.startsWith('https') ? https : http;
    this.agent = new this.module.Agent({ keepAlive: true });
  }

  options(method, headers = {}) {
    const bearer = this.way.token ? { authorization: `Bearer ${this.way.token}` } : {};
    return { method, ca: this.way.ca, rejectUnauthorized: Boolean(this.way.ca), headers: { accept: 'application/json', ...bearer, ...headers } };
  }

  send(method, at, body, type = 'application/strategic-merge-patch+json') {
    return new Promise((done, fail) => {
      const text = body && JSON.stringify(body);
      const request = this.module.request(this.way.url + at, { ...this.options(method, text && { 'content-type': type }), agent: this.agent }, answer => {
        let got = '';
        answer.setEncoding('utf8').on('data', chunk => { got += chunk; }).on('error', fail)
          .on('end', () => answer.statusCode < 300 ? done(JSON.parse(got)) : fail(new Error(`${method} ${at}: ${answer.statusCode} ${got.slice(0, 300)}`)));
      });
      request.on('error', fail).end(text);
    });
  }

  /** Calls `heard(event, at)` for each event; the answer ends the watch. */
  async watch(collection, heard, selector = '') {
    const list = await this.send('GET', `${collection}?limit=1`);
    const address = `${this.way.url}${collection}?watch=1&resourceVersion=${list.metadata.resourceVersion}${selector}`;
    const request = this.module.get(address, { ...this.options('GET'), agent: false }, answer => {
      let rest = '';
      answer.setEncoding('utf8').on('error', () => {}).on('data', chunk => {
        const at = Date.now(), lines = (rest + chunk).split('\n');
        rest = lines.pop();
        for (const line of lines.filter(Boolean)) heard(JSON.parse(line), at);
      });
    });
    request.on('error', () => {});
    return () => request.destroy();
  }
}

/** A kubeconfig for a simulated cluster, which asks nobody who they are. */
export function kubeconfig(home, name, url) {
  const file = path.join(home, `${name}.kubeconfig`);
  fs.writeFileSync(file, JSON.stringify({
    apiVersion: 'v1', kind: 'Config', 'current-context': name,
    clusters: [{ name, cluster: { server: url } }], users: [{ name, user: {} }], contexts: [{ name, context: { cluster: name, user: name } }],
  }));
  return file;
}

/** A devmatrix.yaml; JSON is YAML. `environments`: [{name, title, cluster, namespace, promote_from?}] */
export function configuration({ clusters, environments, components }) {
  return JSON.stringify({
    organisation: 'Bench',
    teams: [{ name: 'bench', title: 'Bench', members: ['bench', 'boss'], roles: ['deployer', 'approver'] }],
    clusters, components,
    environments: environments.map((environment, at) => ({
      stage: environment.promote_from ? 2 : 1, production: Boolean(environment.promote_from), ...environment,
      ...(environment.promote_from && { approval: { rules: [{ from: ['team:bench'], needed: 1 }], exclude_requester: true, expires: '24h' } }),
    })),
  }, null, 1);
}
