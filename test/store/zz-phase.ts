import { Client } from "/work/main/src/store/postgres/client.ts";
import { startPostgres } from "/work/main/test/support/postgres.ts";
import { openStore } from "/work/main/src/store/open.ts";
import * as L from "/work/main/test/support/ledger.ts";
import { randomUUIDv7 } from "node:crypto";
const C:any=Client.prototype; const times=new Map<string,number[]>();
const orig=C.run; let last=0;
C.run=function(text:string,p:any){const t=Math.max(performance.now(),0);const r=orig.call(this,text,p);return r.finally(()=>{const now=performance.now();const d=now-Math.max(t,last);last=now;const k=text.trim().slice(0,60).replace(/\s+/g,' ');const a=times.get(k)??[];a.push(d);times.set(k,a)})};
const s=await startPostgres(); const url=await s.newDatabase();
const policy={...L.POLICY,defaultCustomerBudgetId:'default',announce:false};
const st=await openStore({kind:'postgres',url},policy);
await st.apply([L.createCustomer('cc0',{id:'zero'},L.budget('default',[L.limit('usd',10n**15n)]))]);
const rates = Object.fromEntries(['input','cacheRead','cacheWrite5m','cacheWrite1h','inputAudio','output','outputAudio','request'].map(x=>[x,1000n])) as any;
const N=Number(process.argv[2]??64); let prev:string[]=[];
const end=performance.now()+5000; let b=0,n=0;
let t0=performance.now();
while(performance.now()<end){
  const at=Date.now(); const ids=Array.from({length:Math.max(1,N/2)},()=>randomUUIDv7());
  const cmds=[...ids.map(id=>L.reserve(id,{customer:'c'+Math.floor(Math.random()*1000),at,quote:L.quote(100,200)})),...prev.map(id=>L.settle(id,150,{at,usage:{input:100,output:50},rates}))];
  await st.apply(cmds); b++; n+=prev.length; prev=ids; if(b===50){times.clear();t0=performance.now();n=0}
}
const el=performance.now()-t0;
console.log('pairs/s',Math.round(n/el*1000),'ms/batch',(el/(b-50)).toFixed(2));
for(const [k,a] of times){a.sort((x,y)=>x-y);console.log(a[a.length>>1]!.toFixed(3),a.length,k)}
await st.close(); await s.remove();
