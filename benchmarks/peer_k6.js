// k6's side of `generator` and `peers`: a closed loop of POST requests; the summary goes to standard output as JSON.
import http from "k6/http";

const body = __ENV.PEER_BODY;
const headers = { headers: { "Content-Type": "application/json" } };

export const options = {
  summaryTrendStats: ["p(50)", "p(95)", "p(99)"],
};

export default function () {
  http.post(`${__ENV.PEER_URL}/v1/grouped/orders`, body, headers);
}

export function handleSummary(data) {
  const times = data.metrics.http_req_duration.values;
  return {
    stdout: JSON.stringify({
      requests: data.metrics.http_reqs.values.count,
      failed: data.metrics.http_req_failed.values.passes,
      quantiles_ms: [times["p(50)"], times["p(95)"], times["p(99)"]],
    }),
  };
}
