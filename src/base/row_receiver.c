/*
 * row_receiver.c
 *	  A DestReceiver that calls a function for each row.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/row_receiver.h"

static void
ignore_startup(DestReceiver *self, int operation, TupleDesc desc)
{
}

static void
ignore_end(DestReceiver *self)
{
}

void
cmig_row_receiver_init(DestReceiver *receiver, CmigRowReceiver row)
{
	receiver->receiveSlot = row;
	receiver->rStartup = ignore_startup;
	receiver->rShutdown = ignore_end;
	receiver->rDestroy = ignore_end;
	receiver->mydest = DestNone;
}
