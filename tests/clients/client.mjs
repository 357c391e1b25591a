// The main job with a TypeScript SDK client, as hosts built on it do it.
//
//   node client.mjs PACKAGE MODE COMMAND CLIP
//
// PACKAGE is `client` (@modelcontextprotocol/client, v2) or `sdk` (@modelcontextprotocol/sdk, v1); MODE is `auto`, a
// pinned revision or `legacy` (v1 knows no other). Every step is one JSON line on stdout. Before the last step it waits
// for a line on stdin, and then gives up its own wait, as hosts do on their time limits.
import readline from "node:readline";

const [, , pack, mode, command, clip] = process.argv;
const v1 = pack === "sdk";
const load = (name) => import(`@modelcontextprotocol/${pack}${name}`);
const { Client } = await load(v1 ? "/client/index.js" : "");
const { StdioClientTransport } = await load(v1 ? "/client/stdio.js" : "/stdio");

const say = (step, data) => console.log(JSON.stringify({ step, ...data }));
const negotiation = mode === "auto" || mode === "legacy" ? mode : { pin: mode };
const client = new Client(
  { name: "interop", version: "1.0.0" },
  v1 ? {} : { versionNegotiation: { mode: negotiation } },
);
await client.connect(new StdioClientTransport({ command, args: ["serve"], env: process.env }), { timeout: 90_000 });

const call = (name, args, options = {}) => {
  const limits = { timeout: 90_000, ...options };
  const params = { name, arguments: args };
  return v1 ? client.callTool(params, undefined, limits) : client.callTool(params, limits);
};

say("server", {
  name: client.getServerVersion().name,
  instructions: client.getInstructions().length,
  tools: (await client.listTools()).tools.map((tool) => tool.name),
  prompts: (await client.listPrompts()).prompts.map((prompt) => prompt.name),
  resources: (await client.listResources()).resources.map((resource) => resource.uri),
});
say("refused", await call("state", { project: "nope" }));
say("uploaded", await call("upload", { files: [clip] }));
const progress = [];
say("said", await call("send_message", { message: "lo-fi music" }, { onprogress: (note) => progress.push(note) }));
say("progress", { notes: progress });
say("exported", await call("export", { output: "scored.mp4" }));

const giveUp = new AbortController();
readline.createInterface({ input: process.stdin }).once("line", () => giveUp.abort());
const failed = await call("send_message", { message: "a long turn" }, { signal: giveUp.signal }).catch((error) => error);
say("gave-up", { error: String(failed) });
say("running", await call("state", { job: "turn-2", wait_s: 0 }));
say("finished", await call("state", { job: "turn-2", wait_s: 60 }));
await client.close();
process.exit(0);
