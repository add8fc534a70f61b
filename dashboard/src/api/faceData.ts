/** Face data in bulk and its end: imports, erasure with receipts, what is stored on one person, the legal report. */
import { client } from './client'
import type {
  Erasure,
  FaceImport,
  ImportLine,
  ImportLineQuery,
  LegalReport,
  PhotoErasure,
  Receipt,
} from './faceTypes'
import { photoForm } from './people'
import type { Page } from './types'
import { upload, type UploadOptions } from './upload'

/** A ZIP of up to some GB on a slow line. */
const ZIP_TIMEOUT_MS = 30 * 60_000

const one = (import_id: string) => `/faces/imports/${encodeURIComponent(import_id)}`

export interface ImportWanted {
  archive: File
  list_ids: string[]
  basis: string
  basis_detail: string
  expires_at: string | null
  /** Also faces that somebody else is enrolled with. */
  accept_alike: boolean
}

export function startImport(wanted: ImportWanted, options: UploadOptions = {}): Promise<FaceImport> {
  const form = new FormData()
  form.append('archive', wanted.archive, wanted.archive.name)
  for (const list_id of wanted.list_ids) form.append('list_ids', list_id)
  form.append('basis', wanted.basis)
  form.append('basis_detail', wanted.basis_detail)
  form.append('accept_alike', String(wanted.accept_alike))
  if (wanted.expires_at !== null) form.append('expires_at', wanted.expires_at)
  return upload<FaceImport>('/faces/imports', form, { timeoutMs: ZIP_TIMEOUT_MS, ...options })
}

export const listImports = (query: { after?: string; limit?: number }, signal?: AbortSignal) =>
  client.call<Page<FaceImport>>('/faces/imports', { query: { ...query }, signal })

export const fetchImport = (import_id: string, signal?: AbortSignal) =>
  client.call<FaceImport>(one(import_id), { signal })

export const listImportLines = (import_id: string, query: ImportLineQuery, signal?: AbortSignal) =>
  client.call<Page<ImportLine>>(`${one(import_id)}/lines`, { query: { ...query }, signal })

export const cancelImport = (import_id: string) =>
  client.call<FaceImport>(`${one(import_id)}/cancel`, { method: 'POST', json: {} })

export const importReport = (import_id: string) =>
  client.raw(`${one(import_id)}/report.csv`, { accept: 'text/csv' }).then((answer) => answer.blob())

/** `dry_run`: only say what would go. */
export const erasePerson = (person_id: string, reason: string, dry_run = false) =>
  client.call<Erasure>(`/faces/persons/${encodeURIComponent(person_id)}/erasure`, {
    method: 'POST',
    json: { reason, dry_run },
  })

export interface PhotoErasureWanted {
  reason: string
  dry_run: boolean
  /** Whom the photo shows, where two are about as alike. */
  person_id?: string
}

export function eraseByPhoto(photo: Blob, wanted: PhotoErasureWanted, options: UploadOptions = {}) {
  const form = photoForm(photo)
  form.append('reason', wanted.reason)
  form.append('dry_run', String(wanted.dry_run))
  if (wanted.person_id) form.append('person_id', wanted.person_id)
  return upload<PhotoErasure>('/faces/erasures/by-photo', form, options)
}

export const listErasures = (query: { after?: string; limit?: number }, signal?: AbortSignal) =>
  client.call<Page<Erasure>>('/faces/erasures', { query: { ...query }, signal })

export const fetchErasure = (erasure_id: string, signal?: AbortSignal) =>
  client.call<Receipt>(`/faces/erasures/${encodeURIComponent(erasure_id)}`, { signal })

/** Everything that is stored on one person, as a ZIP. */
export const exportPerson = (person_id: string) =>
  client
    .raw(`/faces/persons/${encodeURIComponent(person_id)}/export`, {
      accept: 'application/zip',
      timeoutMs: 120_000,
    })
    .then((answer) => answer.blob())

export const legalReport = (signal?: AbortSignal) =>
  client.call<LegalReport>('/faces/legal-report', { signal })
