// The page is complete without this. It adds: playing from a claim, lighting what it rests on,
// a playhead over the plots. It makes no markup from data: text and attributes only.
"use strict";
(() => {
  const player = document.getElementById("player");
  const bar = document.getElementById("lit");
  const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
  if (player) document.body.classList.add("plays");

  const marks = (id) =>
    [...document.querySelectorAll(`[data-obs="${CSS.escape(id)}"]`), document.getElementById(`o-${id}`)].filter(Boolean);
  const bandOf = (id) =>
    [...document.querySelectorAll(`.plots [data-obs="${CSS.escape(id)}"]`)].find((e) => !e.closest("details:not([open])"));

  function seek(time) {
    if (player && Number.isFinite(time)) player.currentTime = time;
  }
  function clear() {
    document.querySelectorAll(".lit, .active").forEach((e) => e.classList.remove("lit", "active"));
    bar.hidden = true;
  }
  function show(element) {
    element?.scrollIntoView({ behavior: calm ? "auto" : "smooth", block: "center" });
  }
  function button(text, act) {
    const made = document.createElement("button");
    made.type = "button";
    made.textContent = text;
    made.addEventListener("click", act);
    return made;
  }
  function light(ids, from) {
    clear();
    const rows = ids.map((id) => document.getElementById(`o-${id}`)).filter(Boolean);
    ids.flatMap(marks).forEach((e) => e.classList.add("lit"));
    from?.classList.add("active");
    const passing = rows.filter((row) => row.dataset.kind !== "state"); // what holds throughout starts nowhere
    seek(Math.min(...(passing.length ? passing : rows).map((row) => Number(row.dataset.t))));
    bar.replaceChildren(document.createTextNode(`Shown: ${ids.join(", ")}`));
    const band = ids.map(bandOf).find(Boolean);
    if (band) bar.append(button("in the plots", () => show(band)));
    if (rows.length) bar.append(button("in the list", () => show(rows[0])));
    if (from) bar.append(button("back to the claim", () => show(from)));
    bar.append(button("clear", clear));
    bar.hidden = false;
    return band ?? rows[0];
  }

  document.addEventListener("click", (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    const at = event.target.closest("a.seek, a.chip, a.band, a.go, svg.plot[data-t1]");
    if (!at) return;
    if (at.matches("a.seek")) {
      if (player) seek(Number(at.dataset.t));
      event.preventDefault();
    } else if (at.matches("a.go")) {
      const claim = at.closest(".claim");
      show(light(claim.dataset.cites.split(" "), claim));
      event.preventDefault();
    } else if (at.matches("a.band")) {
      light([at.dataset.obs], null);
      event.preventDefault();
    } else if (at.matches("a.chip")) {
      show(light([at.dataset.obs], at.closest(".claim")));
      event.preventDefault();
    } else if (player) {
      const box = at.getBoundingClientRect();
      const x = ((event.clientX - box.left) / box.width) * at.viewBox.baseVal.width;
      const { x0, x1, t1 } = at.dataset;
      if (x >= x0) seek(Math.min(1, (x - x0) / (x1 - x0)) * t1);
    }
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") clear();
  });

  if (!player) return;
  const heads = [...document.querySelectorAll("svg.plot[data-t1]")].map((plot) => {
    const line = document.createElementNS("http://www.w3.org/2000/svg", "line");
    line.setAttribute("class", "playhead");
    line.setAttribute("y1", "0");
    line.setAttribute("y2", String(plot.viewBox.baseVal.height));
    plot.append(line);
    return { line, x0: Number(plot.dataset.x0), x1: Number(plot.dataset.x1), t1: Number(plot.dataset.t1) };
  });
  function place() {
    for (const { line, x0, x1, t1 } of heads) {
      const x = String(x0 + (x1 - x0) * Math.min(1, player.currentTime / t1));
      line.setAttribute("x1", x);
      line.setAttribute("x2", x);
    }
  }
  function follow() {
    place();
    if (!player.paused) requestAnimationFrame(follow);
  }
  player.addEventListener("play", follow);
  for (const moved of ["timeupdate", "seeked", "loadedmetadata"]) player.addEventListener(moved, place);
  place();

  // Once used, the clip stays in sight: where its place is scrolled away it docks in the corner.
  const stage = document.getElementById("stage");
  const home = stage.parentElement;
  const undock = document.getElementById("undock");
  let used = false;
  let homeSeen = true;
  function dock() {
    const away = used && !homeSeen;
    if (away) home.style.minHeight = `${home.offsetHeight}px`;
    stage.classList.toggle("docked", away);
    undock.hidden = !away;
  }
  new IntersectionObserver(([seen]) => {
    homeSeen = seen.isIntersecting;
    dock();
  }).observe(home);
  for (const use of ["play", "seeking"]) player.addEventListener(use, () => { used = true; dock(); });
  undock.addEventListener("click", () => {
    used = false;
    player.pause();
    dock();
  });
})();
