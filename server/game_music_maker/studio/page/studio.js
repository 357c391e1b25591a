"use strict";
// The page for a person. Its token comes from the address's fragment (which is never sent) or from a claim, and is
// kept for this tab alone.
const $ = (id) => document.getElementById(id);
const agent = "nemo_agent/me";
let session = null;

function note(text) { $("note").textContent = text; }

async function ask(path, options = {}) {
  const headers = { ...(options.headers || {}), Authorization: "Bearer " + sessionStorage.getItem("token") };
  const answer = await fetch(path, { ...options, headers });
  if (answer.ok) return answer;
  const body = await answer.json().catch(() => ({}));
  throw new Error([body.message, body.data?.error?.next].filter(Boolean).join(" ") || "The studio refused this.");
}

const json = async (path, options) => (await (await ask(path, options)).json()).data;
const post = (path, body) =>
  ask(path, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });

async function enter() {
  const claim = new URLSearchParams(location.search).get("ct");
  const given = new URLSearchParams(location.hash.slice(1)).get("token");
  history.replaceState(null, "", location.pathname);
  if (given) sessionStorage.setItem("token", given);
  if (claim) {
    const found = (await (await post("/api/studio/claim", { claim_token: claim })).json()).data;
    sessionStorage.setItem("token", found.token);
    session = found.session_id;
  }
  if (!sessionStorage.getItem("token")) return note("Open this page through the link that the studio printed.");
  await projects();
  if (session) await show(session, "");
}

async function projects() {
  const { sessions } = await json("/api/studio/sessions");
  note(sessions.length ? "" : "There is no project yet.");
  $("sessions").replaceChildren(...sessions.map((s) => {
    const button = document.createElement("button");
    button.textContent = s.title;
    button.onclick = () => show(s.id, s.title).catch((error) => note(error.message));
    return button;
  }));
}

async function show(id, title) {
  session = id;
  $("project").hidden = false;
  $("title").textContent = title;
  const { state } = await json(`/api/state/${agent}/${id}/latest`);
  $("scores").replaceChildren(...(state.generated_media || []).map(score));
  try {
    const image = await (await ask(`/api/studio/picture/${agent}/${id}`)).blob();
    $("picture").src = URL.createObjectURL(image);
    $("picture").hidden = false;
  } catch { $("picture").hidden = true; }
}

function score(facts) {
  const item = document.createElement("li");
  const text = `${facts.name}, ${facts.duration_s.toFixed(1)} s, ${facts.bpm} BPM, ${facts.key} `;
  const button = document.createElement("button");
  button.textContent = "Listen";
  button.onclick = async () => {
    const player = document.createElement("audio");
    player.controls = player.autoplay = true;
    player.src = URL.createObjectURL(await (await ask(`/api/studio/scores/${session}/${facts.id}`)).blob());
    button.replaceWith(player);
  };
  item.append(text, button);
  return item;
}

async function say(text) {
  $("reply").textContent = "…";
  const answer = await post("/run_sse", { session_id: session, new_message: { parts: [{ text }] } });
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let buffer = "", reply = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    const lines = (buffer + value).split("\n");
    buffer = lines.pop();
    for (const line of lines.filter((l) => l.startsWith("data: "))) {
      const event = JSON.parse(line.slice(6));
      const words = (event.content?.parts || []).map((part) => part.text || "").join("") || event.errorMessage || "";
      if (words && event.partial) $("reply").textContent = reply + words;
      else if (words) $("reply").textContent = reply += words + "\n";
    }
  }
}

async function render(format) {
  const { state } = await json(`/api/state/${agent}/${session}/latest`);
  const id = "render_" + crypto.randomUUID();
  const output = { format, quality: "high" };
  await post("/api/render/proxy/lambda", { id, sessionId: session, draft: state.draft || {}, output });
  for (;;) {
    const job = await json(`/api/render/proxy/lambda/${id}`);
    $("made").textContent = `${job.status} ${Math.round(job.progress)}% ${job.stage || ""}`;
    if (job.status === "failed") throw new Error(job.error);
    if (job.status === "completed") break;
    await new Promise((wake) => setTimeout(wake, 500));
  }
  const link = document.createElement("a");
  link.href = URL.createObjectURL(await (await ask(`/api/render/proxy/${id}/download`)).blob());
  link.download = `${$("title").textContent || "music"}.${format === "kit" ? "zip" : format}`;
  link.textContent = "Save " + link.download;
  $("made").replaceChildren(link);
}

function on(form, work) {
  $(form).onsubmit = async (event) => {
    event.preventDefault();
    try { note(""); await work(); await show(session, $("title").textContent); } catch (error) { note(error.message); }
  };
}

on("say", () => say($("message").value));
on("export", () => render($("format").value.trim()));
on("upload", async () => {
  const body = new FormData();
  for (const file of $("files").files) body.append("files", file);
  await ask(`/api/upload-video/${agent}/${session}`, { method: "POST", body });
});
enter().catch((error) => note(error.message));
