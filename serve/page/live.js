// The camera's page. Frames go to the API that served it, one at a time and ten a second; where the
// last one has not left yet, the next is not taken. Texts are set as text, never as HTML.
"use strict";

const FRAMES_PER_S = 10;
const WIDTH_PX = 640;
const JPEG_QUALITY = 0.85;
const MOST_EVENTS = 12;
const $ = (id) => document.getElementById(id);
const seen = { socket: null, timer: null, media: null, busy: false, skipped: 0, alone: false, rows: new Map() };

function problem(text) {
  $("problem").textContent = text;
  $("problem").hidden = !text;
}

async function asked(path, headers, body) {
  const answer = await fetch(path, {
    method: "POST",
    headers: { "Content-Type": "application/json", ...headers },
    body: body ? JSON.stringify(body) : undefined,
  });
  const told = await answer.json();
  if (!answer.ok) throw new Error(told.error ? told.error.message : `status ${answer.status}`);
  return told;
}

// The chat page's link brings a ticket; opened by itself, this page begins a session of its own.
async function ticket() {
  if (location.hash.length > 1) return location.hash.slice(1);
  const purpose = $("purpose").value;
  if (!purpose) throw new Error("Choose first what it is for.");
  const session = await asked("/v1/sessions", {}, { purpose });
  const opened = await asked("/v1/live", { "X-Demeanor-Session": session.session_id });
  seen.alone = true;
  history.replaceState(null, "", opened.page);
  $("begin").hidden = true;
  return location.hash.slice(1);
}

async function start() {
  problem("");
  $("start").disabled = true;
  try {
    const shown = await ticket();
    seen.media = await navigator.mediaDevices.getUserMedia({
      video: { width: { ideal: WIDTH_PX }, frameRate: { ideal: 15 } },
      audio: false,
    });
    $("camera").srcObject = seen.media;
    await $("camera").play();
    connect(shown);
  } catch (error) {
    stop();
    problem(`The camera could not be started: ${error.message}`);
  }
}

function connect(shown) {
  const socket = new WebSocket(`ws://${location.host}/v1/live`, ["demeanor.live", `ticket.${shown}`]);
  socket.binaryType = "arraybuffer";
  socket.addEventListener("open", () => {
    $("stop").disabled = false;
    seen.timer = setInterval(take, 1000 / FRAMES_PER_S);
  });
  socket.addEventListener("message", (event) => heard(JSON.parse(event.data)));
  socket.addEventListener("close", () => {
    if (seen.socket !== socket) return;
    const begun = seen.timer !== null;
    stop();
    if ($("problem").hidden) {
      problem(begun ? "The stream has ended. Start it again." : "This page's link is over: open it from the chat page anew.");
    }
  });
  seen.socket = socket;
}

function take() {
  const socket = seen.socket, video = $("camera");
  if (!socket || socket.readyState !== WebSocket.OPEN || !video.videoWidth) return;
  if (seen.busy || socket.bufferedAmount > 0) {
    seen.skipped += 1;
    return;
  }
  seen.busy = true;
  const canvas = document.createElement("canvas");
  canvas.width = Math.min(WIDTH_PX, video.videoWidth);
  canvas.height = Math.round((canvas.width * video.videoHeight) / video.videoWidth);
  canvas.getContext("2d").drawImage(video, 0, 0, canvas.width, canvas.height);
  const time_s = performance.now() / 1000;
  canvas.toBlob(async (blob) => {
    try {
      if (!blob) return;
      const message = new Uint8Array(8 + blob.size);
      new DataView(message.buffer).setFloat64(0, time_s);
      message.set(new Uint8Array(await blob.arrayBuffer()), 8);
      if (socket.readyState === WebSocket.OPEN) socket.send(message);
    } finally {
      seen.busy = false;
    }
  }, "image/jpeg", JPEG_QUALITY);
}

function stop() {
  clearInterval(seen.timer);
  const socket = seen.socket;
  seen.timer = seen.socket = null;
  if (socket) socket.close(1000);
  if (seen.media) seen.media.getTracks().forEach((track) => track.stop());
  seen.media = $("camera").srcObject = null;
  $("start").disabled = false;
  $("stop").disabled = $("ask").disabled = true;
  $("state").textContent = "The camera is off.";
}

function heard(told) {
  if (told.type === "face") face(told);
  else if (told.type === "event") over(told);
  else if (told.type === "ready") ready(told);
  else if (told.type === "stage") stage(told);
  else if (told.type === "text") $("words").append(told.delta);
  else if (told.type === "explained") explained(told);
  else if (told.type === "error") {
    problem(told.message);
    $("ask").disabled = false;
  }
}

function ready(told) {
  $("ask").disabled = false;
  if (told.cue_only) $("ask").textContent = "Measure them, and keep them as a clip (no emotion is inferred)";
}

function face(told) {
  const more = told.people > 1 ? `, and ${told.people - 1} more; shown is who was seen longest` : "";
  setText($("state"), told.seen ? `A face is seen${more}.` : "No face is seen.");
  const n = told.left_out + seen.skipped;
  setText($("left-out"), `${n} frame${n === 1 ? "" : "s"} left out of the numbers so far`);
  const pose = told.pose_deg;
  setText($("pose"), pose
    ? `Head: turned ${degrees(pose.yaw, "to the person's left", "to the person's right")}, ${degrees(pose.pitch, "up", "down")}, tilted ${degrees(pose.roll, "left", "right")}`
    : "Head: not measured");
  if (!told.seen) for (const row of seen.rows.values()) draw(row, { intensity: null, why: "the face is not seen" });
  for (const unit of told.units) draw(rowOf(unit), unit);
}

// A movement that is over, the newest first.
function over(told) {
  const row = document.createElement("li"), lasted_s = told.offset_s - told.onset_s;
  row.dataset.code = told.code;
  const begun = new Date(Date.now() - (performance.now() - 1000 * told.onset_s)); // frames have this clock
  const lasting = lasted_s < 0.05 ? "" : `, for ${lasted_s.toFixed(1)} s`;
  row.textContent = `${begun.toLocaleTimeString()}  ${told.text}${lasting}`;
  $("events").prepend(row);
  while ($("events").children.length > MOST_EVENTS) $("events").lastChild.remove();
  $("none-yet").hidden = true;
}

function degrees(value, positive, negative) {
  const whole = Math.round(Math.abs(value));
  return whole ? `${whole}° ${value > 0 ? positive : negative}` : "0°";
}

function setText(element, text) {
  if (element.textContent !== text) element.textContent = text; // a status is read aloud: only what is new
}

function rowOf(unit) {
  if (!seen.rows.has(unit.code)) {
    const row = $("units").insertRow();
    row.dataset.code = unit.code;
    row.insertCell().textContent = unit.code;
    row.insertCell().textContent = unit.name;
    const meter = document.createElement("meter");
    meter.max = 5;
    meter.setAttribute("aria-label", unit.name);
    row.insertCell().append(meter);
    row.insertCell();
    seen.rows.set(unit.code, row);
  }
  return seen.rows.get(unit.code);
}

function draw(row, unit) {
  const measured = unit.intensity !== null, meter = row.querySelector("meter");
  row.className = measured ? "" : "none";
  row.title = measured ? `${unit.intensity.toFixed(1)} of 5, estimated` : `not measured: ${unit.why}`;
  meter.hidden = !measured;
  meter.value = measured ? unit.intensity : 0;
  row.cells[3].textContent = measured ? unit.letter : "–";
}

function ask(event) {
  event.preventDefault();
  if (!seen.socket) return;
  problem("");
  $("ask").disabled = true;
  $("answer").hidden = false;
  for (const id of ["stages", "words", "kept"]) $(id).textContent = "";
  seen.socket.send(JSON.stringify({ type: "explain", seconds: Number($("seconds").value) }));
}

function stage(told) {
  let row = $("stages").querySelector(`[data-name="${CSS.escape(told.name)}"]`);
  if (!row) {
    row = document.createElement("li");
    row.dataset.name = told.name;
    $("stages").append(row);
  }
  row.textContent = `${told.name}${told.done ? "" : " …"}: ${told.found}`;
}

function explained(told) {
  $("ask").disabled = false;
  const parts = [told.notice, ...told.explanations.flatMap((e) => [e.observations_part, e.interpretation, e.conclusion])];
  $("words").textContent = parts.filter(Boolean).join("\n\n");
  const where = seen.alone
    ? "To ask about such a clip, open the camera from the chat page."
    : 'The chat page has it under "Another clip".';
  $("kept").textContent = `Kept as "${told.name}" with ${told.n_observations} observations. ${where}`;
}

$("begin").hidden = location.hash.length > 1;
$("start").addEventListener("click", start);
$("stop").addEventListener("click", stop);
$("explain").addEventListener("submit", ask);
