import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vitest/config";

export default defineConfig({
  base: "./",
  plugins: [svelte()],
  build: {
    target: "es2022",
    outDir: "../static",
    emptyOutDir: true,
    modulePreload: false,
    cssCodeSplit: false,
    reportCompressedSize: true,
    rolldownOptions: {
      // Not library mode: that leaves the module's white space in.
      input: "src/index.ts",
      preserveEntrySignatures: "strict",
      output: {
        format: "es",
        entryFileNames: "index.js",
        assetFileNames: "[name][extname]",
        // Without hashes, so that a build changes what it must and no names.
        chunkFileNames: "[name].js",
        codeSplitting: {
          // One file for the first paint, one for what several later views share, and the views.
          groups: [
            { name: "shell", test: /\/src\/App\.svelte$/, priority: 2 },
            { name: "shared", minShareCount: 2, priority: 1 },
          ],
        },
      },
    },
  },
  test: { include: ["tests/**/*.test.ts"], environment: "node" },
});
