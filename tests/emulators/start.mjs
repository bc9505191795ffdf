// Emulators of the package `emulate` in one process: `node start.mjs <the package's main file> <JSON>`. The JSON gives each
// service its port and seed. Prints a line once all of them listen, and ends when its stdin does.
import { pathToFileURL } from "node:url";

const [main, services] = process.argv.slice(2);
const { createEmulator } = await import(pathToFileURL(main));

for (const [service, { port, seed }] of Object.entries(JSON.parse(services))) {
  // Addresses that the emulator gives out (uploads, files) name this host and port; left alone it says `localhost`.
  await createEmulator({ service, port, baseUrl: `http://127.0.0.1:${port}`, seed: { [service]: seed } });
}
console.log("ready");

process.stdin.resume().on("end", () => process.exit(0));
