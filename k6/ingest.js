// Writes and cached lookups, as locustfiles/ingest.py makes them: the same records, ids, endpoints and scopes.
//
//   bin/seawall k6 ingest --path kafka --rate 500     runs this, follows every record to its row, and judges
//   bin/seawall k6 ingest --prepare there             writes what a plain `k6 run` needs, and says how to start it
//
// Open loop: an iteration starts when it is due, however long others take. One that finds no free user is dropped.
import { SharedArray } from "k6/data";
import exec from "k6/execution";
import http from "k6/http";
import { Counter, Gauge } from "k6/metrics";

function asked(name, otherwise) {
  const value = __ENV[`SEAWALL_${name}`] || otherwise;
  if (value === undefined) throw new Error(`set SEAWALL_${name}: see \`bin/seawall k6 ingest --prepare DIRECTORY\``);
  return value;
}

function wholeNumber(name, otherwise) {
  const value = Number(asked(name, otherwise));
  if (!(Number.isInteger(value) && value > 0)) throw new Error(`SEAWALL_${name} must be a whole number above 0`);
  return value;
}

const api = asked("API_URL").replace(/\/$/, "");
const material = asked("MATERIAL");
const path = asked("WRITE_PATH", "kafka"); // sync, grouped or kafka
const scenario = asked("SCENARIO", "writes"); // writes, lookups or mix
const rate = wholeNumber("RATE", "100"); // iterations a second, of all users together
const users = wholeNumber("USERS", "100");
const traceShare = Number(asked("TRACE_SHARE", "0")); // from 0 to 1: so many requests begin a trace
if (!(traceShare >= 0 && traceShare <= 1)) throw new Error("SEAWALL_TRACE_SHARE must be from 0 to 1");
const headers = { "Content-Type": "application/json" };
if (__ENV.SEAWALL_API_KEY) headers.Authorization = `Bearer ${__ENV.SEAWALL_API_KEY}`;

// Read once, shared by all users: contents of the records, and what ids and lookups need to know.
const read = () => JSON.parse(open(material));
const { mix, numbers, base_rows, thresholds } = new SharedArray("about", () => [{ ...read(), tails: null }])[0];
const tails = {};
for (const entity of new Set(mix)) tails[entity] = new SharedArray(entity, () => read().tails[entity]);

export const options = {
  scenarios: {
    ingest: {
      executor: "constant-arrival-rate",
      rate,
      timeUnit: "1s",
      duration: asked("DURATION", "30s"),
      preAllocatedVUs: users,
      maxVUs: users,
      gracefulStop: "30s", // longer than any request: what k6 cuts off leaves no word of what became of it
    },
  },
  thresholds,
  systemTags: ["scenario", "method", "name", "status", "error_code"],
  summaryTrendStats: ["med", "p(95)", "p(99)", "max"],
};

// What Seawall reads back, from `--out csv`: each request as it leaves, and what else only the script can know.
const began = new Gauge("seawall_began");
const sent = new Counter("seawall_sent");
const denied = new Counter("seawall_denied");

export function setup() {
  const answer = http.get(`${api}/v1/users/${baseId("users", 0)}`, { headers, redirects: 0 });
  if (answer.status === 0) exec.test.abort(`nothing answers at ${api}: ${answer.error}`);
  if (answer.status === 401) exec.test.abort(`${api} asks for a key: set SEAWALL_API_KEY`);
  return { run: __ENV.SEAWALL_RUN || newRun() };
}

export default function ({ run }) {
  const n = exec.scenario.iterationInTest;
  if (exec.vu.iterationInScenario === 0) began.add(exec.scenario.startTime);
  // Users take turns. From the user and the how manieth request it is, id and content of a record follow.
  scenarios[scenario](run, n % users, Math.floor(n / users) + 1);
}

const scenarios = {
  writes: write,
  lookups: (...who) => (Math.random() < 0.75 ? lookUp("users", ...who) : lookUp("products", ...who)),
  mix: (...who) => (Math.random() < 0.3 ? write(...who) : lookUp("users", ...who)),
};
if (!scenarios[scenario]) throw new Error(`SEAWALL_SCENARIO is one of ${Object.keys(scenarios).join(", ")}`);

function write(run, user, sequence) {
  const entity = mix[(user + sequence) % mix.length];
  const id = mint(run, user, sequence, numbers[entity]);
  const content = tails[entity][(user * 37 + sequence) % tails[entity].length];
  const name = `/v1/${path}/${entity}`;
  const answer = send("POST", name, name, "write", id, `{"id":"${id}"${content}`);
  const refused = answer.status === 429 || answer.status === 503;
  if (refused && answer.body && answer.body.includes('"outcome":"not-stored"')) denied.add(1);
}

function lookUp(entity, run, user, sequence) {
  const rows = base_rows[entity];
  const popular = Math.min(rows - 1, Math.floor((1 - Math.random()) ** (-1 / 0.8)) - 1); // a few far more often
  send("GET", `/v1/${entity}/${baseId(entity, popular)}`, `/v1/${entity}/{id}`, "cached lookup", mint(run, user, sequence, 0));
}

function send(method, url, name, scope, id, body = null) {
  exec.vu.metrics.metadata.id = id; // metadata and no tag: k6 keeps a time series for each value of a tag
  sent.add(1, { method, name, scope });
  const traced = traceShare > 0 && Math.random() < traceShare;
  const own = traced ? { ...headers, traceparent: traceparent(id) } : headers;
  return http.request(method, api + url, body, { headers: own, tags: { name, scope }, timeout: "20s", redirects: 0 });
}

// As contract/ids.py: a UUID of version 8 that holds run, sequence, user and entity.
function mint(run, user, sequence, entity) {
  const high = (0x8000 + Math.floor(sequence / 2 ** 18)).toString(16);
  const low = ((sequence % 2 ** 18) * 2 ** 30 + user * 16 + entity).toString(16).padStart(12, "0");
  return `${run.slice(0, 8)}-${run.slice(8, 12)}-${run.slice(12)}-${high}-${low}`;
}

// As contract/trace_context.py: kept, its own id that of the request.
function traceparent(id) {
  const hex = id.replaceAll("-", "");
  return `00-${hex}-${hex.slice(16)}-01`;
}

function baseId(entity, index) {
  return mint("0000000000008000", 0, index, numbers[entity]);
}

function newRun() {
  const nonce = Math.floor(Math.random() * 4096).toString(16).padStart(3, "0");
  return `${Date.now().toString(16).padStart(12, "0")}8${nonce}`;
}
