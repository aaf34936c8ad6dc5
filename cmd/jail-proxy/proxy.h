/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of jail-proxy share. One process, one instance, no malloc. */
#ifndef JAIL_PROXY_PROXY_H
#define JAIL_PROXY_PROXY_H

#include <sys/epoll.h>

#include "base/defs.h"
#include "runtime/proxy_proto.h"

#ifndef IP_BIND_ADDRESS_NO_PORT
#define IP_BIND_ADDRESS_NO_PORT 24
#endif

/* How much one source of events may do before the others have their turn. */
#define PROXY_ROUNDS 16
/* What could not be done for want of memory or descriptors is tried again then. */
#define PROXY_RETRY_MS 200

struct proxy_port {
	int fd; /* -EBADF: a free place; the array is valid up to `ports_used` */
	uint32_t generation, watched;
	uint32_t protocol;
	union proxy_address listen, target, source;
};
extern struct proxy_port ports[PROXY_PORTS_MAX];
extern unsigned ports_used;

/* main.c */
enum kind { KIND_PIDFD, KIND_CONTROL, KIND_PEER, KIND_PORT, KIND_CLIENT, KIND_SERVER, KIND_DGRAM };
/* Whose event it is. The generation tells the user of a place from the one before, of whom an event
 * may be left in the batch. */
static inline uint64_t tag_of(enum kind kind, uint32_t index, uint32_t generation)
{
	return (uint64_t)kind << 56 | (uint64_t)(generation & 0xffffff) << 32 | index;
}
/* Asks for other events of fd than *watched, which is brought up to date. 0: none; not even errors
 * are told then. Return: false for want of memory. */
bool watch(int fd, uint64_t tag, uint32_t *watched, uint32_t events);
extern uint64_t now_ms; /* when this batch of events was fetched */

/* control.c */
void control_accept(void);
void control_read(void);
/* Stops accepting connections, until one ends or, if there is room, a moment has passed; they wait
 * in the backlog. */
void ports_pause(void);
void ports_resume(void);
/* Does so when it is time. Return: ms until then, -1: no time is set. */
int ports_retry(void);
void ports_close(void); /* before the end */
socklen_t address_length(const union proxy_address *a);

/* stream.c */
void stream_init(unsigned limit);
bool stream_is_full(void);
void stream_accept(unsigned port);
void stream_event(uint64_t tag);
void stream_end_of_port(unsigned port);
void stream_flush(void); /* what is on its way, as far as it goes without waiting */

/* dgram.c */
void dgram_init(void);
void dgram_from_client(unsigned port);
void dgram_event(uint64_t tag);
void dgram_end_of_port(unsigned port);
/* Ends what was silent for too long. Return: ms until the next may be, -1: none. */
int dgram_expire(void);

#endif
