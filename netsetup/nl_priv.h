/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Netlink for this room: several messages travel in one sendmsg(2), and their answers are collected
 * by sequence number. The kernel handles a request inside sendmsg(2), so every answer is waiting in
 * the socket when it returns: receiving never blocks, and a missing answer is an error, not a hang.
 *
 *     struct nl_batch b CLEANUP(nl_batch_free) = NL_BATCH_INIT;
 *
 *     nl_batch_reserve(&b, 1024);
 *     ifi = nl_begin(&b, RTM_NEWLINK, NLM_F_CREATE | NLM_F_ACK, sizeof(*ifi), "create bridge");
 *     nl_put_str(&b, IFLA_IFNAME, "jail0");
 *     r = nl_run(&nl, &b, NULL, NULL, e);
 *
 * Putting is sticky: when something does not fit, `failed` is set, the rest is dropped, and nl_run
 * reports -EMSGSIZE without sending.
 */
#ifndef JAIL_NETSETUP_NL_PRIV_H
#define JAIL_NETSETUP_NL_PRIV_H

#include <linux/netlink.h>

#include "base/err.h"

#define NL_BATCH_MESSAGES 4096
#define NL_EXTRA_MAX 64
#define NL_KERNEL_TEXT_MAX 160

struct nl {
	int fd;
	uint32_t seq; /* of the next message */
};
#define NL_INIT ((struct nl){ .fd = -EBADF })

/* Results (-errno) that are no failure of a message. */
typedef bool nl_fine_fn(int result);

struct nl_message {
	const char *what; /* for the error text: "create bridge"; static */
	size_t fixed; /* bytes before the attributes, of its answers as well */
	bool acked; /* the kernel was asked for an answer */
	bool answered;
	int result; /* 0 or -errno */
	nl_fine_fn *fine; /* NULL: none but 0 */
};

struct nl_batch {
	char *data;
	size_t cap;
	size_t start; /* of the message being built */
	bool failed;
	unsigned n;
	unsigned room; /* of messages */
	struct nl_message *messages;
	char spill[NL_EXTRA_MAX]; /* takes the writes of a caller after a failure */
	char kernel_text[NL_KERNEL_TEXT_MAX]; /* NLMSGERR_ATTR_MSG of the first failure */
};
#define NL_BATCH_INIT                                                                              \
	{                                                                                          \
		.data = NULL                                                                       \
	}

/* Opens a socket on `bus` (NETLINK_ROUTE, NETLINK_NETFILTER) that hears the kernel only. */
int nl_open(int bus, struct nl *ret, struct err *e);
void nl_close(struct nl *nl);

/* Room for `bytes` of messages. Failure is sticky in b. */
void nl_batch_reserve(struct nl_batch *b, size_t bytes);
void nl_batch_free(struct nl_batch *b);

/* Starts a message; NLM_F_REQUEST is added. Return: its fixed header of `extra` bytes, zeroed, to
 * be filled before the next put; never NULL. */
void *nl_begin(struct nl_batch *b, int type, int flags, size_t extra, const char *what);
/* What nl_check lets pass for the message being built. */
void nl_allow(struct nl_batch *b, nl_fine_fn *fine);
/* The message being built, with at least `room` bytes free behind it, or NULL: for libnftnl. */
struct nlmsghdr *nl_message_room(struct nl_batch *b, size_t room);
void nl_put(struct nl_batch *b, int type, const void *data, size_t n);
void nl_put_u8(struct nl_batch *b, int type, uint8_t value);
void nl_put_u16(struct nl_batch *b, int type, uint16_t value);
void nl_put_u32(struct nl_batch *b, int type, uint32_t value);
void nl_put_str(struct nl_batch *b, int type, const char *value); /* with its NUL */
/* Nested attributes. Return: offset for nl_nest_end. */
size_t nl_nest(struct nl_batch *b, int type);
void nl_nest_end(struct nl_batch *b, size_t nest);
/* Raw bytes inside a nest (the ifinfomsg of a veth's peer). Return: as nl_begin. */
void *nl_put_raw(struct nl_batch *b, size_t n);

/* Called for each message that is not an acknowledgement, and has the fixed part that the request
 * has; `index` counts the batch's messages from 0. Return: 0 or -errno: then it is not called
 * again, and the exchange fails. */
typedef int nl_reply_fn(const struct nlmsghdr *nlh, unsigned index, void *arg);

/* Values of an answer's attribute, as they are (in network byte order, where the kernel sends it
 * so); 0 when it is too short. */
uint32_t nl_u32(const struct nlattr *attr);
uint64_t nl_u64(const struct nlattr *attr);
/* Its text, cut to fit. Return: whether it did. */
bool nl_text(const struct nlattr *attr, char *ret, size_t n);

/* Sends, and fills in messages[].result. Return: 0 when the exchange itself worked; -EINTR without
 * *e set when a dump was interrupted by a change and has to be repeated: what reply saw is real,
 * but something can be missing. */
int nl_exchange(struct nl *nl, struct nl_batch *b, nl_reply_fn *reply, void *arg, struct err *e);
/* Turns the result of one message into an error. Return: 0 or -errno with *e set. */
int nl_check(const struct nl_batch *b, unsigned index, struct err *e);
/* Exchange, then check all messages. */
int nl_run(struct nl *nl, struct nl_batch *b, nl_reply_fn *reply, void *arg, struct err *e);

#endif
