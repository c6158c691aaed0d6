/*
 * audit_position.h
 *	  Determines the position of log entries within a transaction.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_AUDIT_POSITION_H
#define CMIG_AUDIT_POSITION_H

#include "postgres.h"

/*
 * Register the callback that discards the positions when a transaction ends.
 */
extern void cmig_audit_position_init(void);

/*
 * Returns the value of seq for an entry with this id.  "command" is the command
 * ID of the statement whose trigger writes the entry.
 */
extern int64 cmig_audit_position_of(CommandId command, int64 id);

#endif							/* CMIG_AUDIT_POSITION_H */
