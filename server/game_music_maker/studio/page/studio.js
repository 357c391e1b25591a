"use strict";
// The page for a person. Its token comes from the claim in its address, and is kept for this tab alone.
const $ = (id) => document.getElementById(id);
const agent = "nemo_agent/me";
const videos = ["mp4", "webm", "mov"];
let session = null;
let rendering = null;

function note(text) { $("note").textContent = text; }

function element(tag, fields = {}, ...inside) {
  const made = Object.assign(document.createElement(tag), fields);
  made.append(...inside);
  return made;
}

const token = () => sessionStorage.getItem("token");

function refusal(body) {
  return new Error([body.message, body.data?.error?.next].filter(Boolean).join(" ") || "The studio refused this.");
}

async function ask(path, options = {}) {
  let answer;
  try {
    answer = await fetch(path, { ...options, headers: { ...options.headers, Authorization: "Bearer " + token() } });
  } catch {
    throw new Error("The studio does not answer. Start it again and open the link that it prints.");
  }
  if (answer.ok) return answer;
  throw refusal(await answer.json().catch(() => ({})));
}

const json = async (path, options) => (await (await ask(path, options)).json()).data;
const post = (path, body) =>
  ask(path, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
const blob = async (path) => URL.createObjectURL(await (await ask(path)).blob());

async function enter() {
  const claim = new URLSearchParams(location.search).get("ct");
  history.replaceState(null, "", "/");
  if (claim) {
    const found = (await (await post("/api/studio/claim", { claim_token: claim })).json()).data;
    sessionStorage.setItem("token", found.token);
    session = found.session_id || null;
  }
  if (!token()) return note("Open this page through the link that the studio printed.");
  $("new").hidden = false;
  const all = await projects();
  const first = all.find((s) => s.id === session) || all[0];
  if (first) await show(first.id, first.title);
}

async function projects() {
  const { sessions } = await json("/api/studio/sessions");
  note(sessions.length ? "" : "There is no project yet: give one a name.");
  $("sessions").replaceChildren(...sessions.map((s) => {
    const button = element("button", { textContent: s.title, onclick: () => attempt(() => open(s.id, s.title)) });
    button.dataset.id = s.id;
    return button;
  }));
  return sessions;
}

async function open(id, title) {
  if (id !== session) { $("talk").replaceChildren(); $("made").replaceChildren(); }
  await show(id, title);
}

// A failure is one sentence under the head of the page; nothing else changes.
async function attempt(work) {
  note("");
  try { await work(); } catch (error) { note(error.message); }
}

async function show(id, title) {
  session = id;
  $("project").hidden = false;
  $("title").textContent = title;
  for (const button of $("sessions").children) {
    if (button.dataset.id === id) button.setAttribute("aria-current", "true");
    else button.removeAttribute("aria-current");
  }
  const { state } = await json(`/api/state/${agent}/${id}/latest`);
  const scores = state.generated_media || [];
  $("music").hidden = !scores.length;
  $("scores").replaceChildren(...scores.map(score).reverse());
  const filled = (state.draft?.t || []).some((track) => (track.sg || []).length);
  $("empty").hidden = filled;
  $("picture").hidden = !filled;
  if (filled) {
    const before = $("picture").src;
    $("picture").src = await blob(`/api/studio/picture/${agent}/${id}`);
    if (before) URL.revokeObjectURL(before);
  }
}

function score(facts) {
  const text = `${facts.name}, ${facts.duration_s.toFixed(1)} s, ${facts.bpm} BPM, ${facts.key} `;
  const button = element("button", { textContent: "Listen" });
  button.onclick = () => attempt(async () => {
    const src = await blob(`/api/studio/scores/${session}/${facts.id}`);
    button.replaceWith(element("audio", { controls: true, autoplay: true, loop: Boolean(facts.loop), src }));
  });
  return element("li", {}, text, button);
}

async function say(text) {
  const line = element("li", { textContent: "…" });
  $("talk").append(element("li", { className: "you", textContent: text }), line);
  line.scrollIntoView({ block: "nearest" });
  const answer = await post("/run_sse", { session_id: session, new_message: { parts: [{ text }] } });
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let buffer = "", reply = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    const lines = (buffer + value).split("\n");
    buffer = lines.pop();
    for (const data of lines.filter((one) => one.startsWith("data: "))) {
      const event = JSON.parse(data.slice(6));
      const words = (event.content?.parts || []).map((part) => part.text || "").join("") || event.errorMessage || "";
      if (words.trim() && event.partial) line.textContent = (reply + words).trim();
      else if (words.trim()) line.textContent = (reply += words + "\n").trim();
    }
    line.scrollIntoView({ block: "nearest" });
  }
}

function send(files) {
  const body = new FormData();
  for (const file of files) body.append("files", file);
  $("sent").hidden = false;
  return new Promise((done, failed) => {  // fetch does not tell how much has been sent
    const call = new XMLHttpRequest();
    call.open("POST", `/api/upload-video/${agent}/${session}`);
    call.setRequestHeader("Authorization", "Bearer " + token());
    call.upload.onprogress = (event) => { $("sent").value = event.loaded / event.total; };
    call.onerror = () => failed(new Error("The studio does not answer."));
    call.onload = () => {
      let body = {};
      try { body = JSON.parse(call.responseText); } catch { /* the refusal below says it */ }
      if (call.status >= 400 || body.code) return failed(refusal(body));
      const bad = body.data?.rejected || [];
      done(bad.map((one) => `${one.filename}: ${one.message} ${one.advice || ""}`).join(" "));
    };
    call.send(body);
  }).finally(() => { $("sent").hidden = true; });
}

async function upload(files) {
  if (!files.length) throw new Error("Choose one or more files first.");
  const rejected = await send(files);
  $("files").value = "";
  await show(session, $("title").textContent);
  note(rejected);
}

async function render(format, quality) {
  const { state } = await json(`/api/state/${agent}/${session}/latest`);
  const id = rendering = "render_" + crypto.randomUUID();
  await post("/api/render/proxy/lambda", { id, sessionId: session, draft: state.draft || {}, output: { format, quality } });
  $("stop").hidden = $("done").hidden = false;
  try {
    for (;;) {
      const job = await json(`/api/render/proxy/lambda/${id}`);
      $("done").value = job.progress;
      $("made").textContent = job.stage || job.status;
      if (job.status === "failed") { $("made").textContent = ""; throw new Error(job.error); }
      if (job.status === "completed") break;
      await new Promise((wake) => setTimeout(wake, 300));
    }
  } finally {
    rendering = null;
    $("stop").hidden = $("done").hidden = true;
  }
  const href = await blob(`/api/render/proxy/${id}/download`);
  const download = `${$("title").textContent || "music"}.${format === "kit" ? "zip" : format}`;
  const seen = videos.includes(format) ? element("video", { controls: true, src: href })
    : format === "gif" ? element("img", { src: href, alt: "The result" })
    : format === "kit" ? "" : element("audio", { controls: true, src: href });
  $("made").replaceChildren(seen, element("a", { href, download, textContent: "Save " + download }));
}

// While a form's work runs its buttons rest, so that nothing is asked twice.
function on(form, work) {
  $(form).onsubmit = (event) => {
    event.preventDefault();
    const buttons = [...$(form).querySelectorAll("button:not(#stop)")];
    for (const button of buttons) button.disabled = true;
    attempt(work).finally(() => { for (const button of buttons) button.disabled = false; });
  };
}

const again = () => show(session, $("title").textContent);
const tell = (text) => attempt(() => say(text).then(again));

on("say", async () => {
  const text = $("message").value.trim();
  if (!text) throw new Error("Say what the music should be like, or what to change.");
  $("message").value = "";
  await say(text);
  await again();
});
on("export", () => render($("format").value.trim(), $("quality").value.trim()));
on("upload", () => upload($("files").files));
on("new", async () => {
  const title = $("name").value.trim() || "project";
  const made = (await (await post("/api/tasks/me/with-session/nemo_agent",
    { task_name: title, language: navigator.language.slice(0, 2) })).json()).data;
  $("name").value = "";
  await projects();
  await open(made.session_id, title);
});
$("undo").onclick = () => tell("undo");
$("redo").onclick = () => tell("redo");
$("stop").onclick = () => rendering && attempt(() => post(`/api/studio/jobs/${rendering}/cancel`, {}));
for (const kind of ["dragenter", "dragover", "dragleave", "drop"]) {
  $("drop").addEventListener(kind, (event) => {
    event.preventDefault();
    $("drop").classList.toggle("over", kind === "dragenter" || kind === "dragover");
    if (kind === "drop") attempt(() => upload(event.dataTransfer.files));
  });
}
enter().catch((error) => note(error.message));
