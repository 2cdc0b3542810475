import { browser, context } from './visit.mjs';
import { Portal, simulated, endAll, pause } from './processes.mjs';
import { Cluster, configuration, kubeconfig } from './kubernetes.mjs';
const { child, urls } = await simulated({ big: `1x4000` });
  const portal = new Portal('big', folder => configuration({
    clusters: [{ name: 'big', provider: 'gke', kubeconfig: { path: kubeconfig(folder, 'big', urls.big) } }],
    environments: [{ name: 'prod', title: 'Production', cluster: 'big', namespace: 'team-a' }], components: [{name:'load-0000',owner:'bench',workload:'deployment/load-0000',container:'app'}],
  }));
try {
  await portal.start(); await portal.signIn(); const f=Date.now(); await portal.good(1); console.log('good', Date.now()-f);
  const h=(await portal.page('/')).body.toString(); console.log(h.match(/<td role="cell".*?<\/td>/s)?.[0], h.match(/data-reachable.{10}/)?.[0]);
  for (let i=0;i<0;i++){ const t=Date.now(); const r=await portal.page('/components/load-0000'); console.log(r.status, r.body.length, r.body.toString().split('<tr data-key').length-1, Date.now()-t); await pause(1500);}
  console.log(portal.memory());
  const b=await browser(); const c=await context(b, portal.url, portal.cookie); const p=await c.newPage(); p.on('console',m=>console.log('console',m.text())); p.on('pageerror',m=>console.log('err',String(m)));
  const t=Date.now(); await p.goto(portal.url+'/components/load-0000',{waitUntil:'commit'});
  for (let i=0;i<15;i++){ console.log(Date.now()-t, await p.evaluate(()=>[document.querySelectorAll('[data-testid=pods] tbody tr').length, document.readyState, document.querySelector('.live')?.dataset.live])); await pause(1000); }
  await b.close();
} finally { await endAll(); }
