/** Starts the dashboard. */
import { createPinia } from 'pinia'
import { createApp } from 'vue'
import App from './App.vue'
import { restoreTheme } from './composables/useTheme'
import { i18n, setLanguage } from './i18n'
import { createAppRouter } from './router'
import 'element-plus/theme-chalk/dark/css-vars.css'
import 'element-plus/es/components/message/style/css'
import 'element-plus/es/components/message-box/style/css'
import 'element-plus/es/components/notification/style/css'
import './styles/tokens.css'
import './styles/element.css'
import './styles/base.css'

restoreTheme()
setLanguage(i18n.global.locale.value)

createApp(App).use(createPinia()).use(i18n).use(createAppRouter()).mount('#app')
