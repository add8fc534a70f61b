import { fileURLToPath, URL } from 'node:url'
import vue from '@vitejs/plugin-vue'
import Components from 'unplugin-vue-components/vite'
import { ElementPlusResolver } from 'unplugin-vue-components/resolvers'
import { defineConfig } from 'vitest/config'

/** Where `npm run dev` finds the gateway: the development mock, or a running stack (`XUNSHI_URL=http://127.0.0.1:8080`). */
const gateway = process.env.XUNSHI_URL ?? 'http://127.0.0.1:8090'
const testing = process.env.VITEST !== undefined

export default defineConfig({
  plugins: [
    vue(),
    // Only the Element Plus parts that templates name are bundled, each with its own style sheet.
    Components({
      dirs: [],
      dts: false,
      resolvers: [ElementPlusResolver({ importStyle: testing ? false : 'css' })],
    }),
  ],
  resolve: { alias: { '@': fileURLToPath(new URL('./src', import.meta.url)) } },
  server: {
    host: '127.0.0.1',
    port: 5173,
    // a test reads the description of the API beside this folder
    fs: { allow: testing ? ['.', '../docs/reference'] : ['.'] },
    proxy: {
      '/api': { target: gateway },
      '/faces': { target: gateway },
      '/live': { target: gateway, ws: true },
    },
  },
  build: {
    target: 'es2022',
    chunkSizeWarningLimit: 600,
    rollupOptions: {
      output: {
        codeSplitting: {
          groups: [
            { name: 'chart', test: /node_modules[\\/](echarts|zrender|vue-echarts)/ },
            { name: 'vue', test: /node_modules[\\/](@vue|vue|vue-router|vue-i18n|@intlify|pinia)[\\/]/ },
          ],
        },
      },
    },
  },
  test: {
    environment: 'jsdom',
    include: ['src/**/*.test.ts'],
    setupFiles: ['src/testing/setup.ts'],
    server: { deps: { inline: ['element-plus'] } },
    restoreMocks: true,
    // pages are compiled when a test first opens them, and a busy machine takes its time
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
})
