// What Streamlit is to the view in the app: gives it its data and its place. Follows the bundle in one module, whose entry is render.
{
  const text = atob(document.getElementById("message").textContent);
  const packed = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) packed[i] = text.charCodeAt(i);
  const unpacked = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  const data = new Uint8Array(await new Response(unpacked).arrayBuffer());
  const motion = document.getElementById("motion");
  const show = () => {
    render({ data, parentElement: document.getElementById("view"), setTriggerValue: () => {} });
    if (motion) renderMotion({ data, parentElement: motion }); // its script is in the page where its markup is
  };
  show();
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", show);
}
