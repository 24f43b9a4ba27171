// The clip above a timeline of its tracks. A click on a band, or on a citation anywhere on the
// page, seeks the clip to where that observation begins and marks it. Texts reach the page through
// textContent alone: names, reasons and words are those of strangers.
const SVG = "http://www.w3.org/2000/svg";
const LABEL_PX = 128, LANE_PX = 36, BARE_PX = 22, CHAR_PX = 6.2, STEP_S = 1;
const TYPING = "input, textarea, select, [contenteditable='true'], [role='textbox'], [role='combobox']";
const BUSY = `${TYPING}, button, summary, a, video, audio, [role='radio'], [role='tab'], [role='slider']`;
let lastUsed = null; // with two players on a page, keys go to the one that was used last

function made(tag, css, text) {
  const element = document.createElement(tag);
  if (css) element.className = css;
  if (text !== undefined) element.textContent = text;
  return element;
}
function drawn(tag, attributes, text) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value));
  if (text !== undefined) element.textContent = text;
  return element;
}
function titled(element, text) {
  element.prepend(drawn("title", {}, text));
  return element;
}
const pathOf = (address) => (address || "").split("?")[0];
// Where the page is looked at from another machine, so is the engine beside it.
function reachable(address) {
  const url = new URL(address, location.href);
  if (["127.0.0.1", "localhost"].includes(url.hostname)) url.hostname = location.hostname;
  return url.href;
}

class Player {
  constructor(root) {
    this.root = root;
    this.people = root.appendChild(made("div", "people"));
    this.screen = root.appendChild(made("div", "screen"));
    this.bar = root.appendChild(made("div", "bar"));
    this.lanes = root.appendChild(made("div", "lanes"));
    this.more = root.appendChild(made("details", "more"));
    this.moreName = this.more.appendChild(made("summary"));
    this.moreLanes = this.more.appendChild(made("div", "lanes"));
    this.legend();
    this.bars();
    this.marked = [];
    this.heads = [];
    this.media = null;
    this.onCite = (event) => { if (event.detail.clip === this.data?.clip_id) this.mark(event.detail.ids); };
    this.onKey = (event) => this.key(event);
    this.lanes.tabIndex = 0;
    this.lanes.setAttribute("role", "group");
    this.lanes.setAttribute("aria-label", "Timeline. Space plays, arrows move by a second, [ and ] go to the previous and next observation.");
    root.addEventListener("pointerdown", () => { lastUsed = this; });
    root.addEventListener("focusin", () => { lastUsed = this; });
    this.sized = new ResizeObserver(() => { if (Math.abs(this.width() - this.drawnWidth) > 4) this.draw(); });
  }
  open() {
    window.addEventListener("demeanor:cite", this.onCite);
    document.addEventListener("keydown", this.onKey);
    this.sized.observe(this.root);
    lastUsed ??= this;
  }
  close() {
    window.removeEventListener("demeanor:cite", this.onCite);
    document.removeEventListener("keydown", this.onKey);
    this.sized.disconnect();
    if (lastUsed === this) lastUsed = null;
  }
  legend() {
    const line = this.root.appendChild(made("p", "legend"));
    for (const [css, text] of [["face", "level"], ["event", "event"], ["usual", "usual here"], ["gap", "not measured"], ["off", "switched off"]]) {
      const item = line.appendChild(made("span", ""));
      item.append(made("i", `key ${css}`), document.createTextNode(text));
    }
    line.append(made("span", "keys", "space · ← → · [ ]"));
  }
  bars() {
    const step = (text, name, by) => {
      const button = made("button", "", text);
      button.type = "button";
      button.title = button.ariaLabel = name;
      button.addEventListener("click", () => this.step(by));
      return button;
    };
    this.said = made("span", "said");
    this.said.setAttribute("aria-live", "polite");
    this.bar.append(step("‹", "Previous observation ( [ )", -1), step("›", "Next observation ( ] )", 1), this.said);
  }
  update(data, choose) {
    this.data = data;
    this.choose = choose;
    this.timeline = data.timeline;
    this.byId = new Map((this.timeline?.observations ?? []).map((o) => [o.id, o]));
    this.marked = this.marked.filter((id) => this.byId.has(id));
    this.showMedia();
    this.showPeople();
    this.draw();
    this.say();
  }
  showMedia() {
    const { kind, src, name } = this.data;
    if (this.media && this.kind === kind && pathOf(this.src) === pathOf(src) && !this.broken) return;
    this.kind = kind;
    this.src = src;
    this.broken = false;
    const tag = { picture: "img", sound: "audio" }[kind] ?? "video";
    const media = made(tag, "media");
    if (tag === "img") media.alt = `The picture ${name}`;
    else {
      media.controls = true;
      media.preload = "metadata";
      media.setAttribute("playsinline", "");
      media.setAttribute("aria-label", `The clip ${name}`);
      for (const moved of ["timeupdate", "seeked", "seeking", "loadedmetadata"]) media.addEventListener(moved, () => this.place());
      media.addEventListener("play", () => this.follow());
    }
    media.addEventListener("error", () => {
      this.broken = true;
      this.trouble.hidden = false;
    });
    this.trouble = made("p", "trouble", "Your browser does not play this clip, or its link is too old: reload the page. What was measured is below.");
    this.trouble.hidden = true;
    media.src = reachable(src);
    this.media = media;
    this.screen.replaceChildren(media, this.trouble);
  }
  showPeople() {
    const { people, person } = this.data;
    this.people.hidden = people.length < 1;
    this.people.setAttribute("role", "radiogroup");
    this.people.setAttribute("aria-label", "People in the clip");
    this.people.replaceChildren(...people.map((one) => {
      const chip = made("button", one.id === person ? "person chosen" : "person");
      chip.type = "button";
      chip.setAttribute("role", "radio");
      chip.setAttribute("aria-checked", String(one.id === person));
      chip.title = one.seen;
      if (one.thumbnail) {
        const face = made("img");
        face.alt = "";
        face.addEventListener("error", () => face.remove());
        face.src = reachable(one.thumbnail);
        chip.append(face);
      }
      chip.append(made("b", "", one.id), made("small", "", one.seen));
      chip.addEventListener("click", () => { if (one.id !== person) this.choose(one.id); });
      return chip;
    }));
  }
  width() {
    return Math.max(240, this.root.clientWidth - LABEL_PX - 10);
  }
  x(time) {
    const { duration_s: whole } = this.timeline;
    return whole > 0 ? Math.min(1, Math.max(0, time / whole)) * this.drawnWidth : 0;
  }
  draw() {
    this.drawnWidth = this.width();
    this.heads = [];
    const line = this.timeline;
    const empty = !line || !(line.duration_s > 0);
    this.lanes.hidden = this.bar.hidden = this.root.querySelector(".legend").hidden = empty;
    this.more.hidden = empty || !line.more.length;
    if (empty) return;
    const off = new Set(line.off);
    const own = [this.axis(), ...(line.words.length ? [this.words(off)] : []), ...line.lanes.map((lane) => this.lane(lane, off))];
    this.lanes.replaceChildren(...own);
    this.moreName.textContent = `${line.more.length} more tracks`;
    this.moreLanes.replaceChildren(...line.more.map((lane) => this.lane(lane, off)));
    this.lightUp();
    this.place();
  }
  row(name, what, height, css) {
    const row = made("div", `lane ${css}`);
    const label = row.appendChild(made("div", "label"));
    label.append(made("b", "", name), made("small", "", what));
    label.title = what ? `${name}: ${what}` : name;
    const plot = row.appendChild(drawn("svg", { width: this.drawnWidth, height, viewBox: `0 0 ${this.drawnWidth} ${height}`, role: "group", "aria-label": `${name} over time` }));
    plot.addEventListener("click", (event) => {
      if (event.target.closest(".band")) return;
      const box = plot.getBoundingClientRect();
      this.seek(((event.clientX - box.left) / box.width) * this.timeline.duration_s);
    });
    return [row, plot];
  }
  head(plot, height) {
    const head = plot.appendChild(drawn("line", { class: "playhead", y1: 0, y2: height, x1: 0, x2: 0 }));
    this.heads.push(head);
  }
  axis() {
    const [row, plot] = this.row("", "", 14, "axis");
    plot.append(...this.timeline.ticks_s.map((t) => {
      const anchor = this.x(t) < 8 ? "start" : this.x(t) > this.drawnWidth - 8 ? "end" : "middle";
      return drawn("text", { class: "tick", x: this.x(t), y: 11, "text-anchor": anchor }, t === 0 ? "0 s" : String(t));
    }));
    this.head(plot, 14);
    return row;
  }
  lane(lane, off) {
    const height = lane.runs.length || lane.gaps.length ? LANE_PX : BARE_PX;
    const [row, plot] = this.row(lane.name, lane.what, height, lane.channel);
    const top = 10, bottom = height - 2;
    const y = (value) => bottom - (bottom - top) * Math.min(1, Math.max(0, (value - lane.low) / (lane.high - lane.low)));
    plot.append(drawn("line", { class: "ground", x1: 0, x2: this.drawnWidth, y1: bottom, y2: bottom }));
    for (const gap of lane.gaps) plot.append(this.gap(gap, top, bottom));
    this.bands(plot, lane.bands, off, top, bottom);
    if (lane.usual !== null && lane.usual >= lane.low && lane.usual <= lane.high) {
      plot.append(drawn("line", { class: "usual", x1: 0, x2: this.drawnWidth, y1: y(lane.usual), y2: y(lane.usual) }));
    }
    for (const run of lane.runs) {
      const points = run.map(([t, v]) => `${this.x(t).toFixed(1)},${y(v).toFixed(1)}`).join(" ");
      plot.append(drawn("polyline", { class: "line", points }));
    }
    this.head(plot, height);
    return row;
  }
  gap({ start_s: start, end_s: end, reason }, top, bottom) {
    const width = Math.max(1, this.x(end) - this.x(start));
    const group = drawn("g", { class: "gap" });
    for (let x = this.x(start); x < this.x(start) + width; x += 6) { // hatched: not told by colour alone
      const right = Math.min(x + 5, this.x(start) + width);
      group.append(drawn("line", { x1: x, x2: right, y1: bottom, y2: bottom - (right - x) * 2 }));
    }
    group.append(drawn("rect", { x: this.x(start), y: top, width, height: bottom - top }));
    const said = `not measured: ${reason}`;
    const fits = Math.floor(width / CHAR_PX);
    if (fits > 24) group.append(drawn("text", { class: "why", x: this.x(start) + 4, y: bottom - 4 }, said.length > fits ? `${said.slice(0, fits - 1)}…` : said));
    return titled(group, said);
  }
  bands(plot, bands, off, top, bottom) {
    let free = 0;
    const states = bands.filter((band) => band.state);
    for (const band of states) plot.append(this.band(band, off, bottom - 3, bottom, false));
    for (const band of bands.filter((one) => !one.state).sort((a, b) => a.start_s - b.start_s)) {
      const named = this.x(band.start_s) >= free;
      if (named) free = this.x(band.start_s) + CHAR_PX * (band.id.length + 0.6);
      plot.append(this.band(band, off, top, bottom, named));
    }
  }
  band(o, off, top, bottom, named) {
    const x = this.x(o.start_s), width = Math.max(2, this.x(o.end_s) - x);
    const group = drawn("g", { class: `band${o.state ? " state" : ""}${off.has(o.id) ? " off" : ""}`, "data-obs": o.id, role: "button", "aria-label": o.title });
    group.append(drawn("rect", { class: "event", x, y: top, width, height: bottom - top, rx: 2 }));
    if (!o.state && width > 5) group.append(drawn("line", { class: "apex", x1: this.x(o.apex_s), x2: this.x(o.apex_s), y1: top, y2: bottom }));
    if (named) group.append(drawn("text", { class: "id", x: Math.min(x, this.drawnWidth - CHAR_PX * o.id.length), y: top - 2 }, o.id));
    group.addEventListener("click", () => this.mark([o.id], true));
    return titled(group, o.title);
  }
  words(off) {
    const [row, plot] = this.row("words", "as in the transcript", 28, "speech");
    for (const said of this.timeline.words) {
      const x = this.x(said.start_s), width = Math.max(2, this.x(said.end_s) - x);
      const group = drawn("g", { class: `band words${off.has(said.id) ? " off" : ""}`, "data-obs": said.id, role: "button", "aria-label": `${said.id} ${said.text}` });
      group.append(drawn("rect", { class: "event", x, y: 10, width, height: 16, rx: 2 }));
      const fits = Math.floor((width - 4) / CHAR_PX);
      const text = said.text.length > fits ? (fits > 3 ? `${said.text.slice(0, fits - 1)}…` : "") : said.text;
      group.append(drawn("text", { class: "word", x: x + 3, y: 22 }, text), drawn("text", { class: "id", x, y: 8 }, said.id));
      group.addEventListener("click", () => (said.id ? this.mark([said.id], true) : this.seek(said.start_s)));
      plot.append(titled(group, `${said.id ? `${said.id}: ` : ""}${said.text}`));
    }
    this.head(plot, 28);
    return row;
  }
  mark(ids, here = false) {
    this.marked = ids.filter((id) => this.byId.has(id));
    const events = this.marked.map((id) => this.byId.get(id)).filter((o) => !o.state); // a state begins nowhere
    if (events.length) this.seek(Math.min(...events.map((o) => o.start_s)));
    this.lightUp();
    this.say();
    const hidden = this.marked.some((id) => this.more.querySelector(`[data-obs="${CSS.escape(id)}"]`));
    if (hidden && !this.more.open) this.more.open = true;
    if (here) lastUsed = this;
    window.dispatchEvent(new CustomEvent("demeanor:marked", { detail: { clip: this.data.clip_id, ids: this.marked } }));
  }
  lightUp() {
    for (const band of this.root.querySelectorAll("[data-obs]")) band.classList.toggle("lit", this.marked.includes(band.dataset.obs));
  }
  say() {
    const told = this.marked.map((id) => this.byId.get(id).title);
    this.said.textContent = told.length ? told.join(" · ") : "Click an event, or a citation beside an answer.";
    this.said.title = this.said.textContent;
  }
  step(by) {
    const events = [...this.byId.values()].filter((o) => !o.state && (o.person === null || o.person === this.data.person))
      .sort((a, b) => a.start_s - b.start_s || a.id.localeCompare(b.id, undefined, { numeric: true }));
    if (!events.length) return;
    const at = events.findIndex((o) => o.id === this.marked[0]);
    const now = this.media?.currentTime ?? 0;
    const near = by > 0 ? events.findIndex((o) => o.start_s > now) : events.findLastIndex((o) => o.start_s < now);
    const next = at >= 0 ? at + by : near >= 0 ? near : by > 0 ? events.length - 1 : 0;
    this.mark([events[Math.min(events.length - 1, Math.max(0, next))].id], true);
  }
  seek(time) {
    if (!this.media || !("currentTime" in this.media) || !Number.isFinite(time)) return;
    const to = Math.max(0, Math.min(time, this.timeline.duration_s));
    if (this.media.readyState > 0) this.media.currentTime = to;
    else this.media.addEventListener("loadedmetadata", () => { this.media.currentTime = to; }, { once: true });
    this.place(to);
  }
  place(time) {
    if (!this.timeline) return;
    const x = this.x(time ?? this.media?.currentTime ?? 0);
    for (const head of this.heads) {
      head.setAttribute("x1", x);
      head.setAttribute("x2", x);
    }
  }
  follow() {
    this.place();
    if (this.media && !this.media.paused) requestAnimationFrame(() => this.follow());
  }
  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || lastUsed !== this || !this.root.isConnected) return;
    const at = event.composedPath()[0];
    const inside = at instanceof Element ? at : document.body;
    if (inside.closest(TYPING)) return;
    const canPlay = this.media && "play" in this.media && !inside.closest(BUSY);
    const acts = {
      "[": () => this.step(-1),
      "]": () => this.step(1),
      ...(canPlay ? {
        " ": () => (this.media.paused ? this.media.play() : this.media.pause()),
        ArrowLeft: () => this.seek(this.media.currentTime - STEP_S),
        ArrowRight: () => this.seek(this.media.currentTime + STEP_S),
      } : {}),
    };
    if (!acts[event.key]) return;
    event.preventDefault();
    acts[event.key]();
  }
}

export default function (component) {
  const { parentElement, data, setStateValue } = component;
  const root = parentElement.querySelector(".player");
  root.player ??= new Player(root);
  root.player.open();
  root.player.update(data, (person) => setStateValue("person", person));
  return () => root.player.close();
}
