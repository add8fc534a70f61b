/** Pages, and the rule that only who is logged in (with a password of their own) gets past the login page. */
import { createRouter, createWebHistory, type Router, type RouterHistory } from 'vue-router'
import { useSession } from './stores/session'

export function createAppRouter(history: RouterHistory = createWebHistory()): Router {
  const router = createRouter({
    history,
    routes: [
      {
        path: '/login',
        name: 'login',
        component: () => import('./pages/LoginPage.vue'),
        meta: { open: true },
      },
      {
        path: '/',
        component: () => import('./components/app/AppShell.vue'),
        children: [
          { path: '', name: 'wall', component: () => import('./pages/WallPage.vue') },
          { path: 'events', name: 'history', component: () => import('./pages/HistoryPage.vue') },
          {
            path: 'recordings',
            name: 'recordings',
            component: () => import('./pages/RecordingsPage.vue'),
          },
          { path: 'frames', name: 'frames', component: () => import('./pages/FramesPage.vue') },
          { path: 'storage', name: 'storage', component: () => import('./pages/StoragePage.vue') },
          { path: 'search', name: 'search', component: () => import('./pages/SearchPage.vue') },
          { path: 'track', name: 'track', component: () => import('./pages/TrackPage.vue') },
          { path: 'watch', name: 'watch', component: () => import('./pages/WatchPage.vue') },
          { path: 'people', name: 'people', component: () => import('./pages/PeoplePage.vue') },
          { path: 'photo', name: 'photo', component: () => import('./pages/PhotoPage.vue') },
          { path: 'cameras', name: 'cameras', component: () => import('./pages/CamerasPage.vue') },
          { path: ':rest(.*)*', name: 'not-found', component: () => import('./pages/NotFoundPage.vue') },
        ],
      },
    ],
  })

  router.beforeEach(async (to) => {
    const session = useSession()
    if (!session.loggedIn) {
      // A server that is away is shown by the login page, which keeps trying.
      await session.restore().catch(() => undefined)
    }
    const admitted = session.loggedIn && !session.mustChangePassword
    if (to.meta['open'] === true) return admitted ? { name: 'wall' } : true
    return admitted ? true : { name: 'login', query: to.fullPath === '/' ? {} : { next: to.fullPath } }
  })

  return router
}
