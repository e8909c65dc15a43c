// The address: the study and the curve, behind the # that no browser sends to a server. It holds no patients.

const base64 = (bytes) => btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
const bytes = (text) => Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0));

async function through(content, stream) {
  const piped = new Blob([content]).stream().pipeThrough(stream);
  return new Uint8Array(await new Response(piped).arrayBuffer());
}

const MOST = 400000; // letters that a bookmark unfolds to

export async function keep(text, command, p, page) {
  const own = command.endsWith(".toml") ? `text=${base64(await through(text, new CompressionStream("deflate-raw")))}` : `study=${encodeURIComponent(command)}`;
  history.replaceState(null, "", `#${own}&truth=${p.join(",")}&page=${page}`);
}

export async function kept() {
  const given = new URLSearchParams(location.hash.slice(1));
  const p = (given.get("truth") ?? "").split(",").map(Number).filter((rate) => rate >= 0 && rate <= 1);
  const found = { study: given.get("study"), text: null, p: given.get("truth") ? p : null, page: given.get("page") };
  try {
    const folded = given.get("text");
    const unfolded = folded && folded.length < MOST ? await through(bytes(folded), new DecompressionStream("deflate-raw")) : null;
    if (unfolded && unfolded.length < MOST) found.text = new TextDecoder().decode(unfolded);
  } catch {
    found.text = null; // a bookmark that was cut off
  }
  return found;
}
