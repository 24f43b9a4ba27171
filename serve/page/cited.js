// Sentences with citations. A chip tells the player of its clip which observation is meant; nothing
// is asked of the server for that. All text reaches the page through textContent.
function made(tag, css, text) {
  const element = document.createElement(tag);
  if (css) element.className = css;
  if (text !== undefined) element.textContent = text;
  return element;
}

class Cited {
  constructor(root) {
    this.root = root;
    this.onMarked = (event) => { if (event.detail.clip === this.clip) this.light(event.detail.ids); };
  }
  open() { window.addEventListener("demeanor:marked", this.onMarked); }
  close() { window.removeEventListener("demeanor:marked", this.onMarked); }
  update({ clip_id: clip, blocks, titles }) {
    const told = JSON.stringify([clip, blocks]);
    if (told === this.told) return; // a rerun of the page: what is folded stays as it is
    this.told = told;
    this.clip = clip;
    this.titles = titles;
    this.root.replaceChildren(...blocks.map((block) => this[block.kind](block)));
  }
  light(ids) {
    for (const chip of this.root.querySelectorAll("[data-obs]")) chip.classList.toggle("lit", ids.includes(chip.dataset.obs));
  }
  cite(ids) {
    window.dispatchEvent(new CustomEvent("demeanor:cite", { detail: { clip: this.clip, ids } }));
  }
  chip(id) {
    const chip = made("button", "chip", id);
    chip.type = "button";
    chip.dataset.obs = id;
    chip.title = this.titles[id] ?? id;
    chip.setAttribute("aria-label", `Show ${this.titles[id] ?? id}`);
    chip.addEventListener("click", () => this.cite([id]));
    return chip;
  }
  chips(ids) {
    const line = made("span", "cites");
    line.append(...ids.map((id) => this.chip(id)));
    return line;
  }
  pieces(into, pieces) {
    for (const piece of pieces) into.append(typeof piece === "string" ? piece : this.chip(piece.id));
    return into;
  }
  heading({ text }) { return made("h3", "", text); }
  lead({ text }) { return made("p", "lead", text); }
  quiet({ text }) { return made("p", "quiet", text); }
  note({ title, text }) {
    const note = made("p", "note");
    note.append(made("b", "", `${title} `), text);
    return note;
  }
  gap({ what, when, reason }) {
    const line = made("p", "lack");
    line.append(made("b", "", what), made("small", "", ` ${when}`), document.createTextNode(`: ${reason}`));
    return line;
  }
  answer({ labels, set, scores }) {
    const card = made("div", "card");
    const shown = card.appendChild(made("p", "labels"));
    shown.append(...(labels.length ? labels.map((label) => made("span", "label", label)) : [made("span", "label none", "no label")]));
    if (!scores.length) return card;
    const table = card.appendChild(made("div", "scores"));
    table.setAttribute("role", "table");
    table.setAttribute("aria-label", `Confidence, labels of ${set}`);
    for (const { label, confidence } of scores) {
      const row = table.appendChild(made("div", "score"));
      row.setAttribute("role", "row");
      const bar = made("i", "share");
      bar.style.setProperty("--share", `${Math.round(100 * confidence)}%`);
      row.append(made("span", "", label), bar, made("span", "num", confidence.toFixed(2)));
    }
    card.append(made("p", "quiet", `Confidence, labels of ${set}. 1 would be certain.`));
    return card;
  }
  claims({ number, title, open, claims, text, doubtful }) {
    const part = made(title ? "details" : "div", "part");
    if (title) {
      part.open = open || doubtful > 0;
      const head = part.appendChild(made("summary"));
      if (number) head.append(made("span", "step", String(number)));
      head.append(made("b", "", title), made("small", "", claims.length ? ` ${claims.length}` : ""));
      if (doubtful) head.append(made("span", "status bad", `${doubtful} not backed`));
    }
    if (text) part.append(made("p", "plain", text));
    for (const claim of claims) part.append(this.claim(claim));
    return part;
  }
  claim({ number, pieces, cites, unknown, status, reason }) {
    const line = made("div", status ? "claim doubtful" : "claim");
    if (number) line.append(made("span", "n", String(number)));
    const words = line.appendChild(this.pieces(made("span", cites.length ? "go" : ""), pieces));
    if (cites.length) words.addEventListener("click", () => this.cite(cites));
    line.append(" ", this.chips(cites));
    for (const id of unknown) line.append(made("span", "chip none", `${id}: no such observation`));
    if (status) {
      const why = line.appendChild(made("span", "status bad"));
      why.append(status === "UNSUPPORTED" ? "✗ " : "⚠ ", made("b", "", status), `: ${reason}`);
    }
    return line;
  }
  turn({ role, pieces, cites }) {
    const turn = made("div", `turn ${role === "user" ? "asked" : "answered"}`);
    turn.append(made("span", "hide", role === "user" ? "You asked: " : "Answer: "));
    this.pieces(turn.appendChild(made("span", "")), pieces);
    if (cites.length) turn.append(" ", this.chips(cites));
    return turn;
  }
}

export default function (component) {
  const { parentElement, data } = component;
  const root = parentElement.querySelector(".cited");
  root.cited ??= new Cited(root);
  root.cited.open();
  root.cited.update(data);
  return () => root.cited.close();
}
