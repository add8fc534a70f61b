/** Languages: Chinese first, English second; the choice is kept in this browser. */
import { createI18n } from 'vue-i18n'
import en from './locales/en'
import zh from './locales/zh-CN'

export type Language = 'zh-CN' | 'en'

const STORAGE_KEY = 'xunshi.language'

function storedLanguage(): Language {
  try {
    return localStorage.getItem(STORAGE_KEY) === 'en' ? 'en' : 'zh-CN'
  } catch {
    return 'zh-CN' // storage is switched off
  }
}

export const i18n = createI18n({
  legacy: false,
  locale: storedLanguage(),
  fallbackLocale: 'zh-CN',
  messages: { 'zh-CN': zh, en },
})

export function setLanguage(language: Language): void {
  i18n.global.locale.value = language
  document.documentElement.lang = language
  try {
    localStorage.setItem(STORAGE_KEY, language)
  } catch {
    // not kept, but it works for this visit
  }
}
