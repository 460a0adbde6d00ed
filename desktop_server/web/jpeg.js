// In a worker: pictures of the camera as JPEG, at once; on the page's own thread they wait until it has nothing to do.

const QUALITY = 0.9;

onmessage = async ({ data: picture }) => {
  const canvas = new OffscreenCanvas(picture.width, picture.height);
  canvas.getContext("2d", { willReadFrequently: true }).drawImage(picture, 0, 0);
  picture.close();
  const blob = await canvas.convertToBlob({ type: "image/jpeg", quality: QUALITY });
  const bytes = await blob.arrayBuffer();
  postMessage(bytes, [bytes]);
};
