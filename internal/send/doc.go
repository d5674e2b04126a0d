// Package send delivers what people must be told, by the channel they chose: one
// file per channel.
//
// # Basics
//
// A Channel is asked to deliver one Message and answers whether it was accepted.
// What was not is a *PermanentError, which trying again cannot help, or a
// *TemporaryError; anything else counts as temporary. The outbox of
// internal/store keeps messages until a channel has accepted them, so that a
// crash in between repeats a send rather than losing it: the message's ID goes
// along unchanged, as the Message-ID of an e-mail and the webhook-id of a
// webhook, and a receiver can drop the second one.
//
// Digest makes one Message of all that one person is to be told on one day; Quiet
// says when digests rest. Both are pure.
//
// # Security
//
// Every connection goes through a Guard: scheme and host must be allowed by the
// configuration, and the address that a name resolves to is looked at when it is
// dialled, so that a name cannot be turned inwards between check and use.
// Redirects are not followed, proxies of the environment are not used, bodies of
// answers are read up to 64 KiB, and certificates are verified. Tokens, passwords
// and the addresses of webhooks are secrets: no error holds them.
package send
