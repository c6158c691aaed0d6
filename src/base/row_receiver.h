/*
 * row_receiver.h
 *	  A destination of query results that calls a function for each row.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_ROW_RECEIVER_H
#define CMIG_ROW_RECEIVER_H

#include "postgres.h"
#include "tcop/dest.h"

/* Called for each row; returns false to stop the query. */
typedef bool (*CmigRowReceiver) (TupleTableSlot *slot, DestReceiver *self);

/*
 * Initialize a receiver, usually the first field of a larger struct.  Nothing is
 * done before the first row and after the last one.
 */
extern void cmig_row_receiver_init(DestReceiver *receiver, CmigRowReceiver row);

#endif							/* CMIG_ROW_RECEIVER_H */
